package dev.openlora.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
  void countsTheMemoryOfTheWholeTree() throws Exception {
    try (Sleepers sleepers = Sleepers.start()) {
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> ProcessStat.of(sleepers.child()).orElseThrow().name().equals("sleep"));
      ProcessMemory child = new ProcessTree(sleepers.child()).memory();
      assertThat(child.residentBytes()).isPositive();
      ProcessMemory both = sleepers.tree().memory();
      assertThat(both.residentBytes()).isGreaterThan(child.residentBytes());
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
      assertThat(ProcessStat.of(over.pid())).isEmpty();
    }
  }
}
