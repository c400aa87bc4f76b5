package dev.openlora.server.demo;

import dev.openlora.engine.StepListener;
import dev.openlora.engine.StepRecord;
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
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.StringNode;

/**
 * Asks the base and all adapters at once, through the HTTP API, and shows their answers grow beside
 * each other. One thread runs it; it hears steps from the engine's.
 */
public final class Demo implements StepListener {
  private static final int TOKENS = 64;

  /** The same for all: two models with the same weights would give the same answer. */
  private static final long SEED = 1;

  private static final String PROMPT = "the same prompt for everyone:";

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

  /** Streams from all models at once; returns how many failed. */
  public int run(URI server, @Nullable String apiKey, List<String> models)
      throws InterruptedException {
    StreamBoard board = new StreamBoard(out, terminal, columns, models);
    long begin = System.nanoTime();
    long stepsBefore = steps.get();
    List<Callable<CompletionClient.Answer>> calls = new ArrayList<>();
    int failed = 0;
    long tokens = 0;
    List<String> texts = new ArrayList<>();
    try (CompletionClient client = new CompletionClient(server, apiKey);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < models.size(); i++) {
        int row = i;
        calls.add(() -> stream(client, models.get(row), row, board));
      }
      for (Future<CompletionClient.Answer> future : threads.invokeAll(calls)) {
        try {
          CompletionClient.Answer answer = future.get();
          tokens += answer.outputTokens();
          texts.add(answer.text());
        } catch (ExecutionException e) {
          failed++;
        }
      }
    }
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
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
    long different = texts.stream().distinct().count();
    out.printf("%d different answers to the same prompt with the same random seed.%n", different);
    if (failed > 0) {
      out.printf("%d of %d streams FAILED.%n", failed, models.size());
    }
    return failed;
  }

  private static CompletionClient.Answer stream(
      CompletionClient client, String model, int row, StreamBoard board)
      throws IOException, InterruptedException {
    CompletionClient.Call call =
        new CompletionClient.Call(model, StringNode.valueOf(PROMPT), TOKENS, 0.8, SEED);
    try {
      CompletionClient.Answer answer = client.stream(call, piece -> board.grow(row, piece));
      if (answer.outputTokens() != TOKENS) {
        throw new IOException(answer.outputTokens() + " tokens came (expected: " + TOKENS + ")");
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
}
