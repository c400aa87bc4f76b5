package dev.openlora.server.demo;

import dev.openlora.engine.StepListener;
import dev.openlora.engine.StepRecord;
import dev.openlora.server.demo.OpenAiClient.Answer;
import dev.openlora.server.demo.OpenAiClient.Question;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The demonstration: one question to the base and all adapters at once, the answers beside each
 * other, and then an adapter that is made on the spot. All through the HTTP API. One thread runs
 * it; it hears steps from the engine's.
 */
public final class Demo implements StepListener {
  private static final String QUESTION = "Tell me about a storm at night.";
  private static final int TOKENS_MAX = 220;
  private static final double TEMPERATURE = 0.7;
  private static final long SEED = 4;
  private static final int TEXT_COLUMNS = 96;

  private final PrintStream out;
  private final boolean terminal;
  private final int columns;
  private final AtomicInteger adaptersPerStepMax = new AtomicInteger();
  private final AtomicInteger sequencesPerStepMax = new AtomicInteger();
  private final AtomicLong steps = new AtomicLong();

  public Demo(PrintStream out, boolean terminal, int columns) {
    this.out = out;
    this.terminal = terminal;
    this.columns = columns;
  }

  /** Engine thread. */
  @Override
  public void onStep(StepRecord step) {
    steps.incrementAndGet();
    adaptersPerStepMax.accumulateAndGet(step.distinctAdapters(), Math::max);
    sequencesPerStepMax.accumulateAndGet(step.parts().size(), Math::max);
  }

  /** Says which adapters there are. */
  public void introduce(DemoFolder folder) {
    out.printf(
        "%nThe base was trained from nothing on generated English; the adapters, each from"
            + " its own Datanet:%n");
    for (Voice voice : Voice.ALL) {
      out.printf("  %-10s  %-10s  %s%n", voice.name(), voice.shape(), voice.domain().description());
    }
    out.printf(
        "How all of it was made, and what it can do: %s%n", folder.root().resolve("README.md"));
  }

  /** Streams from all models at once; returns how many failed. */
  public int ask(URI server, List<String> models) throws InterruptedException {
    out.printf("%nOne question to all of them at once: \"%s\"%n%n", QUESTION);
    StreamBoard board = new StreamBoard(out, terminal, columns, models);
    long begin = System.nanoTime();
    long stepsBefore = steps.get();
    List<Callable<Answer>> calls = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    int failed = 0;
    long tokens = 0;
    try (OpenAiClient client = new OpenAiClient(server, null);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < models.size(); i++) {
        int row = i;
        calls.add(() -> stream(client, models.get(row), row, board));
      }
      for (Future<Answer> future : threads.invokeAll(calls)) {
        try {
          Answer answer = future.get();
          tokens += answer.outputTokens();
          texts.add(answer.text());
        } catch (ExecutionException e) {
          texts.add("FAILED: " + e.getCause());
          failed++;
        }
      }
    }
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    for (int i = 0; i < models.size(); i++) {
      print(models.get(i), texts.get(i));
    }
    out.printf(
        Locale.ROOT,
        "%n%d streams, %d tokens in %.2f s: %.0f tokens/s. %d steps; one step held up to %d"
            + " sequences and %d different adapters.%n",
        models.size(),
        tokens,
        took.toNanos() / 1e9,
        tokens / (took.toNanos() / 1e9),
        steps.get() - stepsBefore,
        sequencesPerStepMax.get(),
        adaptersPerStepMax.get());
    return failed;
  }

  /** Makes an adapter from the rows for it, and asks it; returns its name. */
  public String tune(URI server, String base, DemoFolder folder)
      throws IOException, InterruptedException {
    out.printf("%nNow a ninth adapter, made from %s while the server runs:%n", folder.live());
    try (OpenAiClient client = new OpenAiClient(server, null)) {
      String model = new LiveTuning(client, out).run(base, folder.live(), "almanac");
      Question question = new Question(model, QUESTION, TOKENS_MAX, TEMPERATURE, SEED);
      print(model, client.chat(question, piece -> {}).text());
      return model;
    }
  }

  private static Answer stream(OpenAiClient client, String model, int row, StreamBoard board)
      throws IOException, InterruptedException {
    try {
      Question question = new Question(model, QUESTION, TOKENS_MAX, TEMPERATURE, SEED);
      Answer answer = client.chat(question, piece -> board.grow(row, piece));
      if (answer.text().isBlank()) {
        throw new IOException("an empty answer");
      }
      board.finish(
          row,
          String.format(
              Locale.ROOT,
              "%d tokens, %.2f s",
              answer.outputTokens(),
              answer.total().toNanos() / 1e9));
      return answer;
    } catch (IOException e) {
      board.finish(row, "FAILED: " + e.getMessage());
      throw e;
    }
  }

  /** A text under its name, wrapped at words. */
  private void print(String name, String text) {
    out.printf("%n%s:%n", name);
    for (String paragraph : text.strip().split("\n", -1)) {
      StringBuilder line = new StringBuilder();
      for (String word : paragraph.split(" ", -1)) {
        if (line.length() > 0 && line.length() + 1 + word.length() > TEXT_COLUMNS) {
          out.println("  " + line);
          line.setLength(0);
        }
        line.append(line.isEmpty() ? "" : " ").append(word);
      }
      out.println("  " + line);
    }
  }
}
