package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProcessTreeTest {
  @BeforeEach
  void needsProc() {
    if (!Files.exists(Path.of("/proc/self/stat"))) {
      Assumptions.abort("no /proc");
    }
  }

  @Test
  void refusesAProcessThatIsNotThere() throws Exception {
    Process over = new ProcessBuilder("true").start();
    over.waitFor();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ProcessTree.of("--server-pid", over.pid()))
        .withMessage("--server-pid: " + over.pid() + " (expected: a running process)");
    assertThat(new ProcessTree(over.pid()).cpuSeconds()).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> ProcessTree.of("--server-pid", -1));
  }

  @Test
  void readsAStatLineWhateverTheNameIs() {
    ProcessTree.Stat stat =
        ProcessTree.Stat.parse(
            "17 (a) R (b c) S 1 17 17 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7");
    assertThat(stat).isEqualTo(new ProcessTree.Stat('S', 127));
    assertThat(stat.stopped()).isFalse();
  }

  @Test
  void countsTheTimeOfTheWholeTreeWithChildrenThatEnded() throws Exception {
    // The child burns until the clock of its own process says a quarter of a second.
    String burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
    Process process =
        new ProcessBuilder("sh", "-c", "sh -c '" + burn + "'; echo burnt; read end").start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(out.readLine()).isEqualTo("burnt");
      ProcessTree tree = ProcessTree.of("--server-pid", process.pid());
      assertThat(tree.cpuSeconds().orElseThrow()).isPositive();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void stopsAWholeTreeAndLetsItGoOn() throws Exception {
    try (Sleepers sleepers = Sleepers.start()) {
      ProcessTree.Stopped stopped = sleepers.tree().stop();
      assertThat(sleepers.state()).isEqualTo('T');
      assertThat(sleepers.childState()).isEqualTo('T');
      stopped.close();
      assertThat(sleepers.state()).isNotEqualTo('T');
      assertThat(sleepers.childState()).isNotEqualTo('T');
      stopped.close();
      assertThat(sleepers.state()).as("closing twice changes nothing").isNotEqualTo('T');
    }
  }

  @Test
  void hasNothingToStopInATreeThatIsGone() throws Exception {
    Process over = new ProcessBuilder("true").start();
    over.waitFor();
    try (ProcessTree.Stopped _ = new ProcessTree(over.pid()).stop()) {
      assertThat(ProcessTree.stat(over.pid())).isEmpty();
    }
  }

  /** A shell and its child, both asleep. */
  record Sleepers(Process shell, long child) implements AutoCloseable {
    static Sleepers start() throws IOException {
      Process shell = new ProcessBuilder("sh", "-c", "sleep 600 & echo $!; wait").start();
      String child = shell.inputReader(StandardCharsets.UTF_8).readLine();
      return new Sleepers(shell, Long.parseLong(child));
    }

    ProcessTree tree() {
      return new ProcessTree(shell.pid());
    }

    char state() {
      return ProcessTree.stat(shell.pid()).orElseThrow().state();
    }

    char childState() {
      return ProcessTree.stat(child).orElseThrow().state();
    }

    @Override
    public void close() {
      shell.descendants().forEach(ProcessHandle::destroyForcibly);
      shell.destroyForcibly();
    }
  }
}
