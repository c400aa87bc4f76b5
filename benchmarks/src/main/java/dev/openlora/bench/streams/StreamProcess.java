package dev.openlora.bench.streams;

import dev.openlora.bench.process.ProcessGroup;
import dev.openlora.bench.process.ProcessUsage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A {@link StreamServer} in a JVM with this one's options. Closing it ends it. One thread. */
final class StreamProcess implements AutoCloseable {
  private static final Duration END_PATIENCE = Duration.ofSeconds(10);

  private final ProcessGroup group;
  private final PrintWriter commands;
  private final BufferedReader answers;
  private final int port;

  private StreamProcess(ProcessGroup group) throws IOException {
    this.group = group;
    this.commands = new PrintWriter(group.first().outputWriter(StandardCharsets.US_ASCII), true);
    this.answers = group.first().inputReader(StandardCharsets.US_ASCII);
    this.port = Math.toIntExact(answer("start"));
  }

  /**
   * @param jvmOptions behind this JVM's own
   */
  static StreamProcess start(int streams, int tokens, List<String> jvmOptions) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(jvmOptions);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(StreamServer.class.getName());
    command.add(Integer.toString(streams));
    command.add(Integer.toString(tokens));
    ProcessGroup group =
        ProcessGroup.start(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT));
    try {
      return new StreamProcess(group);
    } catch (IOException | RuntimeException e) {
      group.close();
      throw e;
    }
  }

  int port() {
    return port;
  }

  ProcessUsage usage() throws IOException {
    return ProcessUsage.of(group.first().pid());
  }

  void hold() throws IOException {
    ask("hold");
  }

  int awaitGenerations(int count, int seconds) throws IOException {
    return Math.toIntExact(ask("await " + count + " " + seconds));
  }

  /**
   * Starts the ticks; returns when the first one is due, by this process's clock too.
   *
   * @throws IOException when the two processes do not share a clock, as they do on Linux
   */
  long go(long periodNanos) throws IOException {
    long before = System.nanoTime();
    long there = ask("clock");
    long after = System.nanoTime();
    if (there < before || there > after) {
      throw new IOException(
          "clock: " + there + " ns there (expected: between " + before + " and " + after + ")");
    }
    return ask("go " + periodNanos);
  }

  /** Bytes of its heap that are live, after a collection. */
  long heapBytes() throws IOException {
    return ask("heap");
  }

  private long ask(String command) throws IOException {
    commands.println(command);
    return answer(command);
  }

  private long answer(String command) throws IOException {
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith(StreamServer.ANSWER)) {
        return Long.parseLong(line.substring(StreamServer.ANSWER.length()));
      }
      System.err.println("server: " + line);
    }
    throw new IOException("the server process ended before it answered '" + command + "'");
  }

  @Override
  public void close() throws IOException {
    commands.close();
    try {
      group.awaitEnd(END_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      group.close();
    }
  }
}
