package dev.openlora.engine;

import dev.openlora.adapter.AdapterId;
import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.model.Decoder;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.model.StepInput;
import dev.openlora.engine.model.TensorLogits;
import dev.openlora.engine.sampling.Logits;
import dev.openlora.engine.sampling.NonFiniteLogits;
import dev.openlora.engine.sampling.Sampler;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.text.Tokenizer;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.KvPages;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine of one process: one thread that takes commands, chooses work, runs it and tells what
 * happened. All state belongs to that thread; other threads hand it commands and read {@link
 * #stats}.
 */
public final class LocalEngine implements Engine {
  private static final Logger LOG = LoggerFactory.getLogger(LocalEngine.class);
  private static final long IDLE_MILLIS = 1000;

  private final HuggingFaceModel model;
  private final Ops ops;
  private final Tokenizer tokenizer;
  private final Set<Integer> eosTokenIds;
  private final EngineConfig config;
  private final int maxModelLength;
  private final Decoder decoder;
  private final TensorArena stepArena;
  private final TensorArena hostArena;
  private final TensorLogits logitsRow;
  private final PagePool pool;
  private final Scheduler scheduler;
  private final Sampler sampler = new Sampler();
  private final List<StepListener> stepListeners;
  private final LinkedBlockingQueue<Command> inbox = new LinkedBlockingQueue<>();
  private final Map<Sequence, ActiveGeneration> active = new LinkedHashMap<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final Counters counters = new Counters();
  private final Thread thread;
  private volatile EngineStats stats;
  private volatile boolean closing;

  // Guarded by inbox: once true, no command is taken any more.
  private boolean ended;

  /** What other threads ask of the engine. */
  private sealed interface Command {
    record Submit(ActiveGeneration generation) implements Command {}

    record Cancel(Sequence sequence) implements Command {}

    record Forget(AdapterId adapter) implements Command {}

    record Wake() implements Command {}
  }

  /** Totals since the start. Engine thread only. */
  private static final class Counters {
    long promptTokens;
    long cachedPromptTokens;
    long outputTokens;
    long steps;
    long finished;
    long cancelled;
    long failed;
    int adaptersPerStepMax;
  }

  /**
   * Starts an engine. It takes over the model and the operations and closes both.
   *
   * @param ops used by the engine thread alone from now on
   * @param eosTokenIds tokens that end an answer
   */
  public LocalEngine(
      HuggingFaceModel model,
      Tokenizer tokenizer,
      Set<Integer> eosTokenIds,
      Ops ops,
      EngineConfig config,
      List<StepListener> stepListeners) {
    this.model = model;
    this.ops = ops;
    this.tokenizer = tokenizer;
    this.eosTokenIds = Set.copyOf(eosTokenIds);
    this.config = config;
    this.stepListeners = List.copyOf(stepListeners);
    int wanted =
        config.maxModelLength() > 0 ? config.maxModelLength() : model.architecture().maxPositions();
    int pages = pages(model, config, wanted);
    maxModelLength = Math.min(wanted, pages * config.pageSize() - 1);
    if (maxModelLength < wanted) {
      LOG.warn(
          "kv-bytes {} hold {} positions: max-model-len is {} instead of {}",
          config.kvBytes(),
          pages * config.pageSize(),
          maxModelLength,
          wanted);
    }
    decoder = new Decoder(model, ops, maxModelLength + 1, pages, config.pageSize());
    stepArena = ops.newArena("step");
    hostArena = ops.newHostArena("logits");
    logitsRow = new TensorLogits(ops, hostArena, model.vocabularySize());
    pool = new PagePool(pages);
    scheduler =
        new Scheduler(
            new Scheduler.Limits(
                config.batchTokens(), config.sequences(), config.pageSize(), config.prefixCache()),
            pool);
    stats = snapshot();
    thread = Thread.ofPlatform().name("engine").start(this::run);
  }

  /**
   * Opens a Hugging Face folder and starts an engine on it.
   *
   * @param id the name under which the base is served
   * @param ops taken over, closed with the engine or when opening fails
   * @param dtype F32 or BF16; null as config.json says
   */
  public static LocalEngine open(
      String id,
      Path folder,
      Ops ops,
      @Nullable DType dtype,
      EngineConfig config,
      List<StepListener> stepListeners)
      throws IOException {
    HuggingFaceModel model = null;
    HuggingFaceTokenizer tokenizer = null;
    try {
      model = HuggingFaceModel.open(id, folder, ops, dtype);
      tokenizer = HuggingFaceTokenizer.load(folder);
      Set<Integer> eos = Set.copyOf(tokenizer.specialTokens().eosTokenIds());
      return new LocalEngine(model, tokenizer, eos, ops, config, stepListeners);
    } catch (IOException | RuntimeException e) {
      if (tokenizer != null) {
        tokenizer.close();
      }
      if (model != null) {
        model.close();
      }
      ops.close();
      throw e;
    }
  }

  /** As many pages as the memory holds, but no more than all sequences at full length could use. */
  private static int pages(HuggingFaceModel model, EngineConfig config, int maxModelLength) {
    var a = model.architecture();
    KvPages.Shape one =
        new KvPages.Shape(
            a.layers(), 1, config.pageSize(), a.kvHeads(), a.headSize(), model.dtype());
    long held = config.kvBytes() / one.bytesPerPage();
    long useful = (long) config.sequences() * (maxModelLength / config.pageSize() + 1);
    long pages = Math.min(held, useful);
    if (pages < 2) {
      throw new IllegalArgumentException(
          "kv-bytes: "
              + config.kvBytes()
              + " (expected: at least "
              + 2 * one.bytesPerPage()
              + ", two pages)");
    }
    return Math.toIntExact(pages);
  }

  @Override
  public HuggingFaceModel model() {
    return model;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int maxModelLength() {
    return maxModelLength;
  }

  @Override
  public EngineStats stats() {
    return stats;
  }

  @Override
  public Generation submit(GenerationRequest request, GenerationListener listener)
      throws GenerationException {
    int asked = request.promptIds().length + request.sampling().maxTokens();
    if (asked > maxModelLength) {
      throw new GenerationException(
          GenerationException.Kind.TOO_LARGE,
          "prompt and max_tokens: "
              + request.promptIds().length
              + " + "
              + request.sampling().maxTokens()
              + " tokens (expected: at most "
              + maxModelLength
              + " together)");
    }
    for (int id : request.promptIds()) {
      if (id < 0 || id >= model.vocabularySize()) {
        throw new GenerationException(
            GenerationException.Kind.TOO_LARGE, "Token id " + id + " is out of vocabulary");
      }
    }
    if (queued.incrementAndGet() > config.waiting() + config.sequences()) {
      queued.decrementAndGet();
      throw new GenerationException(
          GenerationException.Kind.OVERLOADED,
          "the queue holds " + config.waiting() + " requests, which is its limit");
    }
    Sequence sequence = new Sequence(request);
    ActiveGeneration generation =
        new ActiveGeneration(sequence, listener, tokenizer, eosTokenIds, maxModelLength);
    synchronized (inbox) {
      if (ended) {
        queued.decrementAndGet();
        throw new GenerationException(GenerationException.Kind.CLOSED, "the engine is closing");
      }
      inbox.add(new Command.Submit(generation));
    }
    return () -> inbox.add(new Command.Cancel(sequence));
  }

  /** Drops what the prefix cache holds of an adapter that is no longer served. Any thread. */
  public void forget(AdapterId adapter) {
    inbox.add(new Command.Forget(adapter));
  }

  private void run() {
    try {
      while (!closing) {
        if (!step()) {
          Command command = inbox.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
          if (command != null) {
            apply(command);
          }
        }
      }
    } catch (InterruptedException e) {
      LOG.warn("the engine thread was interrupted", e);
    } finally {
      end();
    }
  }

  /** One turn: take commands, choose work, run it, publish what happened. */
  private boolean step() {
    for (Command command = inbox.poll(); command != null; command = inbox.poll()) {
      apply(command);
    }
    Batch batch = scheduler.next();
    if (batch.isEmpty()) {
      stats = snapshot();
      return false;
    }
    try {
      commit(batch, results(batch));
    } catch (RuntimeException e) {
      LOG.error("step {} failed with {} sequences", counters.steps, batch.slices().size(), e);
      batch.slices().forEach(slice -> fail(slice.sequence(), internal()));
    } finally {
      stepArena.reset();
    }
    stats = snapshot();
    return true;
  }

  private void apply(Command command) {
    switch (command) {
      case Command.Submit submit -> {
        active.put(submit.generation().sequence(), submit.generation());
        scheduler.add(submit.generation().sequence());
      }
      case Command.Cancel cancel -> {
        if (active.containsKey(cancel.sequence())) {
          counters.cancelled++;
          counters.failed--;
          fail(
              cancel.sequence(),
              new GenerationException(
                  GenerationException.Kind.CANCELLED, "the request was cancelled"));
        }
      }
      case Command.Forget forget -> pool.forget(forget.adapter().sha256());
      case Command.Wake ignored -> {}
    }
  }

  /** What a slice came to: a sampled token, an error, or neither while a prompt goes on. */
  private record Result(
      Batch.Slice slice,
      ActiveGeneration.@Nullable Step sampled,
      @Nullable GenerationException error) {}

  /** Runs the forward pass and samples; the scheduler does not know yet. */
  private List<Result> results(Batch batch) {
    StepInput input = batch.input();
    LogitsRows logits = new LogitsRows(input, decoder.forward(input, stepArena));
    List<Result> results = new ArrayList<>();
    int row = 0;
    for (Batch.Slice slice : batch.slices()) {
      results.add(result(slice, logits, row));
      row += slice.outputRows();
    }
    return results;
  }

  private Result result(Batch.Slice slice, LogitsRows logits, int firstRow) {
    ActiveGeneration generation = generation(slice.sequence());
    int promptLength = slice.sequence().promptLength();
    try {
      for (int i = 0; slice.everyRow() && i < slice.rows(); i++) {
        if (slice.from() + i + 1 < promptLength) {
          generation.scorePrompt(slice.from() + i, logits.get(firstRow + i));
        }
      }
      boolean samples = slice.last() && slice.sequence().request().sampling().maxTokens() > 0;
      ActiveGeneration.Step sampled =
          samples ? generation.next(logits.get(firstRow + slice.outputRows() - 1), sampler) : null;
      return new Result(slice, sampled, null);
    } catch (NonFiniteLogits e) {
      return new Result(slice, null, notNumbers(slice.sequence()));
    }
  }

  /** The one place where state changes: positions are computed, tokens told, generations ended. */
  private void commit(Batch batch, List<Result> results) {
    List<StepRecord.Part> parts = new ArrayList<>();
    for (Result result : results) {
      Batch.Slice slice = result.slice();
      Sequence sequence = slice.sequence();
      ActiveGeneration.Step sampled = result.sampled();
      parts.add(
          new StepRecord.Part(
              sequence.request().id(),
              adapterIds(sequence),
              slice.from(),
              slice.rows(),
              sampled == null ? -1 : sampled.tokenId()));
      if (result.error() != null) {
        fail(sequence, result.error());
        continue;
      }
      scheduler.computed(slice);
      try {
        tell(generation(sequence), slice, sampled);
      } catch (RuntimeException e) {
        LOG.error("request {}: its listener failed", sequence.request().id(), e);
        fail(sequence, internal());
      }
    }
    StepRecord step = new StepRecord(counters.steps++, parts);
    counters.adaptersPerStepMax = Math.max(counters.adaptersPerStepMax, step.distinctAdapters());
    stepListeners.forEach(listener -> listener.onStep(step));
  }

  private void tell(
      ActiveGeneration generation, Batch.Slice slice, ActiveGeneration.@Nullable Step sampled) {
    Sequence sequence = generation.sequence();
    Finish finish = null;
    if (slice.last() && sequence.outputLength() <= 1 && slice.from() < sequence.promptLength()) {
      counters.promptTokens += sequence.promptLength();
      counters.cachedPromptTokens += sequence.cachedPromptTokens();
      finish = generation.promptDone();
    }
    if (sampled != null && finish == null) {
      counters.outputTokens++;
      finish = generation.tell(sampled);
    }
    if (finish != null) {
      counters.finished++;
      release(sequence);
      // Whoever hears of the end finds it in the statistics.
      stats = snapshot();
      generation.listener().onFinish(finish);
    }
  }

  /**
   * Logits of a step's output rows, computed some rows at a time, read in any order. What is read
   * holds until the next row is.
   */
  private final class LogitsRows {
    private final StepInput input;
    private final Tensor hidden;
    private int from;
    private int to;

    LogitsRows(StepInput input, Tensor hidden) {
      this.input = input;
      this.hidden = hidden;
    }

    Logits get(int row) {
      if (row < from || row >= to) {
        from = row;
        to = Math.min(input.outputRows().length, row + config.logitsRows());
        hostArena.reset();
        logitsRow.take(
            decoder.toHost(decoder.logits(input, hidden, from, to, stepArena), hostArena));
      }
      return logitsRow.at(row - from);
    }
  }

  private ActiveGeneration generation(Sequence sequence) {
    ActiveGeneration generation = active.get(sequence);
    if (generation == null) {
      throw new IllegalStateException(
          "request " + sequence.request().id() + " is scheduled, though it ended");
    }
    return generation;
  }

  private static List<AdapterId> adapterIds(Sequence sequence) {
    return sequence.request().adapters().stream()
        .map(scaled -> scaled.lease().adapter().id())
        .toList();
  }

  private void fail(Sequence sequence, GenerationException error) {
    ActiveGeneration generation = active.get(sequence);
    if (generation == null) {
      return;
    }
    counters.failed++;
    release(sequence);
    stats = snapshot();
    try {
      generation.listener().onError(error);
    } catch (RuntimeException e) {
      LOG.error("request {}: its listener failed on an error", sequence.request().id(), e);
    }
  }

  /** Frees pages, leases and the place in the queue. */
  private void release(Sequence sequence) {
    active.remove(sequence);
    scheduler.remove(sequence);
    queued.decrementAndGet();
    sequence.request().adapters().forEach(scaled -> scaled.lease().close());
  }

  private static GenerationException internal() {
    return new GenerationException(
        GenerationException.Kind.INTERNAL, "the server failed on this request");
  }

  private static GenerationException notNumbers(Sequence sequence) {
    if (sequence.request().adapters().isEmpty()) {
      return new GenerationException(
          GenerationException.Kind.INTERNAL, "the base model gave logits that are not numbers");
    }
    String names =
        sequence.request().adapters().stream()
            .map(scaled -> scaled.lease().adapter().id().name())
            .collect(Collectors.joining(", "));
    return new GenerationException(
        GenerationException.Kind.ADAPTER_FAILED,
        "adapter "
            + names
            + ": its values overflow on this request, so the logits are not numbers");
  }

  private EngineStats snapshot() {
    return new EngineStats(
        scheduler.waitingCount(),
        scheduler.runningCount(),
        pool.pages(),
        pool.heldPages(),
        pool.cachedPages(),
        counters.promptTokens,
        counters.cachedPromptTokens,
        counters.outputTokens,
        counters.steps,
        counters.adaptersPerStepMax,
        scheduler.preemptions(),
        counters.finished,
        counters.cancelled,
        counters.failed);
  }

  /** Ends everything that is left, then frees the device. Engine thread, last act. */
  private void end() {
    synchronized (inbox) {
      ended = true;
    }
    for (Command command = inbox.poll(); command != null; command = inbox.poll()) {
      apply(command);
    }
    for (Sequence sequence : List.copyOf(active.keySet())) {
      fail(
          sequence,
          new GenerationException(GenerationException.Kind.CLOSED, "the engine is closing"));
    }
    try {
      pool.checkIntegrity();
      if (pool.heldPages() != 0) {
        throw new IllegalStateException(pool.heldPages() + " pages are held by no sequence");
      }
    } finally {
      stats = snapshot();
      stepArena.close();
      hostArena.close();
      decoder.close();
      model.close();
      ops.close();
      tokenizer.close();
    }
  }

  @Override
  public void close() {
    closing = true;
    inbox.add(new Command.Wake());
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
