package dev.openlora.bench.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** A shell and its child, both asleep. */
public record Sleepers(Process shell, long child) implements AutoCloseable {
  public static Sleepers start() throws IOException {
    Process shell = new ProcessBuilder("sh", "-c", "sleep 600 & echo $!; wait").start();
    String child = shell.inputReader(StandardCharsets.UTF_8).readLine();
    return new Sleepers(shell, Long.parseLong(child));
  }

  public ProcessTree tree() {
    return new ProcessTree(shell.pid());
  }

  public char state() {
    return ProcessStat.of(shell.pid()).orElseThrow().state();
  }

  public char childState() {
    return ProcessStat.of(child).orElseThrow().state();
  }

  @Override
  public void close() {
    shell.descendants().forEach(ProcessHandle::destroyForcibly);
    shell.destroyForcibly();
  }
}
