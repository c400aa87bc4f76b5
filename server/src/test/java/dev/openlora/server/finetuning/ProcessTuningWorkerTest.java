package dev.openlora.server.finetuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.finetuning.TuningWorker.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes of the system: what they tell, how they end, and that none stays behind. */
class ProcessTuningWorkerTest {
  @TempDir private Path folder = Path.of("");
  private final BlockingQueue<WorkerEvent> events = new LinkedBlockingQueue<>();

  @BeforeEach
  void makeFolder() throws IOException {
    Files.createDirectories(folder.resolve("work"));
  }

  @Test
  void hearsWhatAWorkerTells() throws Exception {
    Ending ending = worker("succeed").start(task(), events::add).await();
    assertThat(ending.status()).isEqualTo(Ending.DONE);
    List<WorkerEvent> heard = new ArrayList<>(events);
    assertThat(heard).hasSize(3);
    assertThat(heard.getFirst()).isEqualTo(new WorkerEvent.Started(4, 2, 0, 9));
    assertThat(heard.get(1))
        .isEqualTo(new WorkerEvent.Step(1, 4, 0.5, 1.25, 0.001, Double.NaN, 10, 3));
    assertThat(heard.get(2)).isEqualTo(new WorkerEvent.Done("adapter", "ab", 1.25, null, 9));
    assertThat(folder.resolve("work/adapter/kind")).hasContent("lora");
    assertThat(folder.resolve("worker.log"))
        .content()
        .contains("this is no event\n", "neither is this\n", "\"event\":\"later\"");
    assertThat(folder.resolve("worker.process")).doesNotExist();
  }

  @Test
  void stopsAWorkerWithItsCheckpoint() throws Exception {
    TuningWorker.Run run = worker("wait").start(task(), events::add);
    Ending ending = stopOnceItRuns(run);
    assertThat(ending.status()).isEqualTo(Ending.STOPPED);
    assertThat(events).last().isEqualTo(new WorkerEvent.Checkpointed(2, "step-2"));
  }

  @Test
  void killsAWorkerThatDoesNotListen() throws Exception {
    TuningWorker.Run run = worker("deaf").start(task(), events::add);
    assertThat(stopOnceItRuns(run).status()).isEqualTo(137);
  }

  @Test
  void killsAWorkerThatItDoesNotUnderstand() throws Exception {
    Ending ending = worker("babble").start(task(), events::add).await();
    assertThat(ending.status()).isEqualTo(137);
    assertThat(ending.lastWords())
        .contains("the server does not understand this worker")
        .contains("step: \"one\" (expected: a whole number)");
  }

  @Test
  void keepsTheLastWordsOfOneThatDies() throws Exception {
    Ending ending = worker("die").start(task(), events::add).await();
    assertThat(ending.status()).isEqualTo(3);
    // Its two streams meet in one log, in either order.
    assertThat(ending.lastWords()).contains("java.lang.OutOfMemoryError: Java heap space");
  }

  @Test
  void givesItFewThreadsAndNoKeys() throws Exception {
    Ending ending = worker("environment").start(task(), events::add).await();
    assertThat(ending.lastWords()).contains("threads 1\n").endsWith("key null");
  }

  @Test
  void endsWhatAnEarlierServerLeftAndNothingElse() throws Exception {
    TuningWorker.Run left = worker("wait").start(task(), events::add);
    CompletableFuture<Ending> ending = CompletableFuture.supplyAsync(left::await);
    assertThat(events.poll(20, TimeUnit.SECONDS)).isNotNull();
    String noted = Files.readString(folder.resolve("worker.process"));
    ProcessHandle process = ProcessHandle.of(Long.parseLong(noted.split(" ")[0])).orElseThrow();
    assertThat(process.isAlive()).isTrue();

    Files.writeString(folder.resolve("worker.process"), process.pid() + " 2001-01-01T00:00:00Z");
    assertThat(worker("wait").endLeftover(folder)).isFalse();
    assertThat(process.isAlive()).isTrue();

    Files.writeString(folder.resolve("worker.process"), noted);
    assertThat(worker("wait").endLeftover(folder)).isTrue();
    assertThat(process.isAlive()).isFalse();
    assertThat(worker("wait").endLeftover(folder)).isFalse();
    assertThat(ending.get().status()).isEqualTo(137);
  }

  @Test
  void refusesProcessorsThatAreNotThere() {
    assertThatThrownBy(() -> new ProcessTuningWorker(options("wait", "9999")))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "tuning.cpus: '9999' (expected: processors of this machine, as taskset -c takes"
                + " them)");
  }

  @Test
  void saysWhenNothingCanBeStarted() throws Exception {
    TuningWorker worker =
        new ProcessTuningWorker(
            new ProcessTuningWorker.Options(
                task -> List.of("/no/such/program"), false, 1, null, Duration.ofSeconds(1)));
    TuningWorker.Run run;
    try {
      run = worker.start(task(), events::add);
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("/no/such/program"); // nothing stands in front of it here
      return;
    }
    Ending ending = run.await();
    assertThat(ending.status()).isEqualTo(127);
    assertThat(ending.lastWords()).contains("/no/such/program");
  }

  private Ending stopOnceItRuns(TuningWorker.Run run) throws InterruptedException {
    Thread.ofVirtual()
        .start(() -> {
          try {
            events.put(events.take());
            run.stop();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    return run.await();
  }

  private static ProcessTuningWorker worker(String does) throws IOException {
    return new ProcessTuningWorker(options(does, null));
  }

  private static ProcessTuningWorker.Options options(
      String does, @org.jspecify.annotations.Nullable String cpus) {
    return new ProcessTuningWorker.Options(
        task ->
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-cp",
                Path.of("target", "test-classes").toAbsolutePath().toString(),
                ChildProgram.class.getName(),
                does,
                task.work().toString()),
        false,
        1,
        cpus,
        Duration.ofMillis(500));
  }

  private TuningTask task() {
    return new TuningTask(
        "ftjob-1",
        folder,
        folder.resolve("work"),
        folder.resolve("work/adapter"),
        folder.resolve("rows.jsonl"),
        null,
        1,
        null,
        Hyperparameters.AUTO,
        AdapterShape.AUTO);
  }
}
