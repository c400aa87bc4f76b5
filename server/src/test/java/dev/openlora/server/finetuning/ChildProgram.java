package dev.openlora.server.finetuning;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** A program that speaks the worker's protocol: what it does is its first argument. */
final class ChildProgram {
  private ChildProgram() {}

  public static void main(String[] args) throws Exception {
    Path work = Path.of(args[1]);
    System.err.println("this is no event");
    System.out.println("neither is this");
    System.out.println(
        "{\"event\":\"started\",\"steps\":4,\"examples\":2,\"held_out\":0,\"learned_tokens\":9}");
    System.out.println("{\"event\":\"later\",\"unknown\":1}");
    System.out.flush();
    switch (args[0]) {
      case "succeed" -> {
        Files.writeString(Files.createDirectories(work.resolve("adapter")).resolve("kind"), "lora");
        System.out.println(
            "{\"event\":\"step\",\"step\":1,\"steps\":4,\"epoch\":0.5,\"loss\":1.25,"
                + "\"learning_rate\":0.001,\"gradient_norm\":null,\"tokens_per_second\":10,"
                + "\"eta_seconds\":3}");
        System.out.println(
            "{\"event\":\"done\",\"adapter\":\"adapter\",\"sha256\":\"ab\",\"loss\":1.25,"
                + "\"held_out_loss\":null,\"trained_tokens\":9}");
      }
      case "wait" -> {
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(() -> {
                  System.out.println("{\"event\":\"checkpoint\",\"step\":2,\"folder\":\"step-2\"}");
                  System.out.flush();
                  Runtime.getRuntime().halt(130);
                }));
        new CountDownLatch(1).await();
      }
      case "deaf" -> {
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(() -> {
                  try {
                    new CountDownLatch(1).await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
        new CountDownLatch(1).await();
      }
      case "die" -> {
        System.err.println("java.lang.OutOfMemoryError: Java heap space");
        Runtime.getRuntime().halt(3);
      }
      case "babble" -> {
        System.out.println("{\"event\":\"step\",\"step\":\"one\"}");
        System.out.flush();
        new CountDownLatch(1).await();
      }
      case "environment" -> {
        System.err.println("threads " + System.getenv("OMP_NUM_THREADS"));
        System.err.println("key " + System.getenv("OPENLORA_API_KEY"));
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }
}
