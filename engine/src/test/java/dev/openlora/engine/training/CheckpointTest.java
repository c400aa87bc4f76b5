package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final int VOCABULARY = 7;
  private static final BooleanSupplier NEVER = () -> false;

  @TempDir private Path folder;

  private static Trainer.Job job(Path folder) {
    TrainingConfig config =
        TrainingConfig.of(
            Map.of(
                "steps", "12",
                "batch_tokens", "24",
                "max_length", "13",
                "learning_rate", "0.05",
                "evaluate_every", "2",
                "patience", "100",
                "checkpoint_every", "1"));
    return new Trainer.Job(
        config,
        ExampleSet.of(Examples.random(5, 10, VOCABULARY, 13)),
        Examples.random(6, 4, VOCABULARY, 13),
        folder,
        Map.of());
  }

  private static float[] resume(
      Trainer.Job job, Heard heard, BooleanSupplier cancelled, FolderWriter writer)
      throws IOException {
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      new Trainer(model, job, heard, cancelled, () -> 0, writer).resume();
      return model.values();
    }
  }

  private static float[] resume(Trainer.Job job) throws IOException {
    return resume(job, new Heard(), NEVER, new FolderWriter());
  }

  private static void stopAfter(int steps, Trainer.Job job, FolderWriter writer)
      throws IOException {
    Heard heard = new Heard();
    resume(job, heard, heard.after(steps), writer);
  }

  @Test
  void skipsWhatIsDamagedOrHalfThere() throws IOException {
    float[] whole = resume(job(folder.resolve("whole")));
    for (String name :
        List.of(
            Checkpoint.STATE,
            Checkpoint.VALUES,
            Checkpoint.MEANS,
            Checkpoint.SQUARES,
            Checkpoint.BEST,
            FolderWriter.SUMS)) {
      Path into = folder.resolve(name);
      stopAfter(4, job(into), new FolderWriter());
      Path damaged = into.resolve("checkpoint-4").resolve(name);
      assertThat(damaged).exists();
      try (FileChannel file = FileChannel.open(damaged, StandardOpenOption.WRITE)) {
        file.truncate(Files.size(damaged) - 1);
      }
      assertThat(Checkpoint.latest(into).orElseThrow().step()).as(name).isEqualTo(3);
      assertThat(resume(job(into))).as(name).isEqualTo(whole);
    }
    Path none = folder.resolve("none");
    Files.createDirectories(none.resolve("checkpoint-9"));
    Files.createDirectories(none.resolve("checkpoint-x"));
    assertThat(Checkpoint.latest(none)).isEmpty();
    assertThat(Checkpoint.latest(folder.resolve("missing"))).isEmpty();
  }

  @Test
  void skipsACheckpointWithAFlippedBit() throws IOException {
    long seed = Seeds.next("CheckpointTest.skipsACheckpointWithAFlippedBit");
    Random random = new Random(seed);
    stopAfter(4, job(folder), new FolderWriter());
    Path newest = folder.resolve("checkpoint-4");
    List<Path> files;
    try (Stream<Path> entries = Files.list(newest)) {
      files = entries.sorted().toList();
    }
    assertThat(files).hasSize(6);
    for (Path file : files) {
      byte[] right = Files.readAllBytes(file);
      byte[] wrong = right.clone();
      wrong[random.nextInt(wrong.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, wrong);
      assertThat(Checkpoint.latest(folder).orElseThrow().step()).as(file.toString()).isEqualTo(3);
      Files.write(file, right);
      assertThat(Checkpoint.latest(folder).orElseThrow().step()).isEqualTo(4);
    }
  }

  @Test
  void refusesAStateOfAnotherVersion() throws IOException {
    stopAfter(1, job(folder), new FolderWriter());
    Path newest = folder.resolve("checkpoint-1");
    Path state = newest.resolve(Checkpoint.STATE);
    String before = FolderWriter.sha256(state);
    Files.writeString(state, Files.readString(state).replace("\"version\":1", "\"version\":2"));
    Path sums = newest.resolve(FolderWriter.SUMS);
    Files.writeString(sums, Files.readString(sums).replace(before, FolderWriter.sha256(state)));
    assertThatThrownBy(() -> Checkpoint.latest(folder))
        .isInstanceOf(IOException.class)
        .hasMessage(state + ": version: 2 (expected: 1)");
  }

  /** Each prefix of the changes that a run makes to the disk, as if it were killed there. */
  @Test
  void aKillAtAnyChangeOfTheDiskLosesNothingWhole() throws IOException {
    float[] whole = resume(job(folder.resolve("whole")));
    CrashingDisk sound = CrashingDisk.sound();
    Path counted = folder.resolve("counted");
    stopAfter(4, job(counted), new FolderWriter(sound));
    assertThat(sound.changes()).isGreaterThan(60);
    int last = 0;
    for (int change = 1; change <= sound.changes(); change++) {
      Path into = folder.resolve("killed-" + change);
      stopAfter(4, job(into), new FolderWriter(new CrashingDisk(change, true)));
      int step = Checkpoint.latest(into).map(Checkpoint::step).orElse(0);
      assertThat(step).as("change %d", change).isBetween(last, 4);
      last = step;
      if (change % 7 == 0) {
        assertThat(resume(job(into))).as("change %d", change).isEqualTo(whole);
        assertNoLeftovers(into);
      }
    }
    assertThat(last).isEqualTo(4);
  }

  private static void assertNoLeftovers(Path into) throws IOException {
    try (Stream<Path> entries = Files.list(into)) {
      assertThat(entries)
          .extracting(path -> path.getFileName().toString())
          .containsExactlyInAnyOrder("checkpoint-11", "checkpoint-12");
    }
  }

  @Test
  void goesOnWhenTheDiskIsFullForAWhileAndSaysSo() throws IOException {
    float[] whole = resume(job(folder.resolve("whole")));
    CrashingDisk sound = CrashingDisk.sound();
    stopAfter(1, job(folder.resolve("counted")), new FolderWriter(sound));
    for (int change = 1; change <= sound.changes(); change++) {
      Path into = folder.resolve("full-" + change);
      stopAfter(2, job(into), new FolderWriter());
      Heard heard = new Heard();
      FolderWriter full = new FolderWriter(new CrashingDisk(change, false));
      assertThat(resume(job(into), heard, NEVER, full)).isEqualTo(whole);
      assertThat(heard.all(TrainingEvent.CheckpointFailed.class))
          .as("change %d", change)
          .singleElement()
          .satisfies(event -> {
            assertThat(event.step()).isEqualTo(3);
            assertThat(event.problem()).contains("No space left on device");
          });
      assertThat(Checkpoint.latest(into).orElseThrow().step()).isEqualTo(12);
    }
  }

  @Test
  void keepsTheLastWholeOneWhenTheDiskStaysFull() throws IOException {
    stopAfter(2, job(folder), new FolderWriter());
    Heard heard = new Heard();
    resume(job(folder), heard, NEVER, new FolderWriter(new CrashingDisk(3, true)));
    assertThat(heard.all(TrainingEvent.CheckpointFailed.class))
        .extracting(TrainingEvent.CheckpointFailed::step)
        .containsExactly(3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    TrainingEvent.Done done = heard.all(TrainingEvent.Done.class).getFirst();
    assertThat(done.step()).isEqualTo(12);
    assertThat(done.checkpoint()).isEqualTo(folder.resolve("checkpoint-2"));
    assertThat(Checkpoint.latest(folder).orElseThrow().step()).isEqualTo(2);
    assertThat(Checkpoint.latest(folder).orElseThrow().history().points()).hasSize(2);
  }

  /** What is killed: trains into the folder that is its argument, and tells each step. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
        new Trainer(
                model,
                job(Path.of(args[0])),
                event -> System.out.println(event.getClass().getSimpleName()),
                NEVER)
            .resume();
      }
    }
  }

  @Test
  void aKilledProcessGoesOnWithTheSameBits() throws Exception {
    float[] whole = resume(job(folder.resolve("whole")));
    long seed = Seeds.next("CheckpointTest.aKilledProcessGoesOnWithTheSameBits");
    Random random = new Random(seed);
    Path into = folder.resolve("killed");
    for (int kill = 0; kill < 3; kill++) {
      Process child =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Child.class.getName(),
                  into.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      int lines = 2 + random.nextInt(9);
      try (BufferedReader out = child.inputReader()) {
        for (int i = 0; i < lines && out.readLine() != null; i++) {}
        child.destroyForcibly().waitFor();
      }
    }
    assertThat(Checkpoint.latest(into)).isPresent();
    assertThat(resume(job(into))).isEqualTo(whole);
    assertNoLeftovers(into);
  }
}
