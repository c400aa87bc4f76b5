package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.finetuning.TuningTask;
import dev.openlora.server.finetuning.TuningWorker;
import dev.openlora.server.finetuning.WorkerEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A worker that does what a test tells it. One that is stopped ends as a good one does. */
final class ScriptedWorker implements TuningWorker {
  private final BlockingQueue<ScriptedRun> started = new LinkedBlockingQueue<>();
  private final List<Path> lookedFor = new CopyOnWriteArrayList<>();
  private volatile boolean broken;

  /** From now on no run can be started. */
  void breakDown() {
    broken = true;
  }

  /** Folders in which a leftover was looked for. */
  List<Path> lookedFor() {
    return lookedFor;
  }

  /** The run that was started next. */
  ScriptedRun next() throws InterruptedException {
    ScriptedRun run = started.poll(10, TimeUnit.SECONDS);
    assertThat(run).as("a run was started").isNotNull();
    return run;
  }

  boolean hasStarted() {
    return !started.isEmpty();
  }

  @Override
  public Run start(TuningTask task, Consumer<WorkerEvent> events) throws IOException {
    if (broken) {
      throw new IOException("no more processes");
    }
    ScriptedRun run = new ScriptedRun(task, events);
    started.add(run);
    return run;
  }

  @Override
  public boolean takesValidation() {
    return true;
  }

  @Override
  public boolean endLeftover(Path folder) {
    return lookedFor.add(folder);
  }

  /** One run, in the test's hands. */
  static final class ScriptedRun implements Run {
    final TuningTask task;
    private final Consumer<WorkerEvent> events;
    private final BlockingQueue<Object> script = new LinkedBlockingQueue<>();

    private ScriptedRun(TuningTask task, Consumer<WorkerEvent> events) {
      this.task = task;
      this.events = events;
    }

    ScriptedRun tell(WorkerEvent... told) {
      script.addAll(List.of(told));
      return this;
    }

    void end(int status, String lastWords) {
      script.add(new Ending(status, lastWords));
    }

    /** Tunes as if in two steps, and succeeds. */
    void succeed() throws IOException {
      FakeAdapters.folder(task.work(), "adapter", "lora");
      tell(
          new WorkerEvent.Started(2, 3, 1, 100),
          step(1, 2, 2.5),
          new WorkerEvent.Evaluated(1, 2.25, Math.exp(2.25)),
          new WorkerEvent.Checkpointed(1, "checkpoint-1"),
          step(2, 2, 1.5),
          new WorkerEvent.Done(task.work().resolve("adapter").toString(), "ab", 1.5, 2.0, 200));
      end(Ending.DONE, "");
    }

    static WorkerEvent.Step step(int step, int steps, double loss) {
      return new WorkerEvent.Step(step, steps, step / 2.0, loss, 1e-4, 0.5, 1000, steps - step);
    }

    @Override
    public Ending await() {
      try {
        for (; ; ) {
          switch (script.take()) {
            case WorkerEvent event -> events.accept(event);
            case Ending ending -> {
              return ending;
            }
            case Object other -> throw new IllegalStateException(other.toString());
          }
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void stop() {
      end(Ending.STOPPED, "stopped with a checkpoint");
    }
  }
}
