package dev.openlora.bench.streams;

import dev.openlora.adapter.BaseModel;
import dev.openlora.engine.Engine;
import dev.openlora.engine.EngineStats;
import dev.openlora.engine.Generation;
import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationException.Kind;
import dev.openlora.engine.GenerationListener;
import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.GenerationListener.FinishReason;
import dev.openlora.engine.GenerationListener.Token;
import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.text.IncrementalDecoder;
import dev.openlora.engine.text.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An engine without a model: each tick gives every generation its next token, all in one burst, as
 * a step does. The ticks come at a set rate once {@link #go} was called, or one by one from {@link
 * #tick}. Tick k is due at the origin plus k periods, however late the ones before it were: a
 * server that cannot keep up falls behind and does not slow the load. Any thread.
 */
public final class NullEngine implements Engine {
  private static final long LEAD_NANOS = 50_000_000; // from go to the first tick

  private final NullModel model = new NullModel("null");
  private final NullTokenizer tokenizer = new NullTokenizer();
  private final Limits limits;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<Running> running = new ArrayList<>(); // guarded by lock
  private @Nullable Clock clock; // guarded by lock
  private @Nullable Thread thread; // guarded by lock
  private boolean closed; // guarded by lock
  private long steps; // guarded by lock
  private long tokens; // guarded by lock
  private long finished; // guarded by lock
  private long cancelled; // guarded by lock

  /**
   * @param generations at once
   * @param length of prompt and answer together, in tokens
   */
  public record Limits(int generations, int length) {
    public Limits {
      if (generations < 1 || length < 2) {
        throw new IllegalArgumentException(
            "generations, length: "
                + generations
                + ", "
                + length
                + " (expected: at least 1 and 2)");
      }
    }
  }

  /** When the next tick is due, in nanoseconds of {@link System#nanoTime}. */
  private static final class Clock {
    final long periodNanos;
    long due;

    Clock(long periodNanos, long origin) {
      this.periodNanos = periodNanos;
      this.due = origin;
    }
  }

  public NullEngine(Limits limits) {
    this.limits = limits;
  }

  /**
   * Gives every generation, and those that come later, a token each period.
   *
   * @return when the first tick is due
   */
  public long go(long periodNanos) {
    if (periodNanos < 1) {
      throw new IllegalArgumentException("period: " + periodNanos + " ns (expected: at least 1)");
    }
    lock.lock();
    try {
      long origin = System.nanoTime() + LEAD_NANOS;
      clock = new Clock(periodNanos, origin);
      if (thread == null) {
        thread = Thread.ofPlatform().name("null-engine").start(this::run);
      }
      changed.signalAll();
      return origin;
    } finally {
      lock.unlock();
    }
  }

  /** No generation gets a token until {@link #go}. */
  public void hold() {
    lock.lock();
    try {
      clock = null;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until so many generations are there; returns how many there are. */
  public int awaitGenerations(int count, Duration limit) throws InterruptedException {
    long nanos = limit.toNanos();
    lock.lock();
    try {
      while (running.size() < count && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
      return running.size();
    } finally {
      lock.unlock();
    }
  }

  /** One token for each generation. */
  public void tick() {
    lock.lock();
    try {
      steps++;
      running.removeIf(Running::advance);
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    lock.lock();
    try {
      while (!closed) {
        Clock now = clock;
        long wait = now == null ? 0 : now.due - System.nanoTime();
        if (now == null) {
          changed.await();
        } else if (wait > 0) {
          changed.awaitNanos(wait);
        } else {
          now.due += now.periodNanos;
          tick();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public BaseModel model() {
    return model;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public int maxModelLength() {
    return limits.length();
  }

  @Override
  public Generation submit(GenerationRequest request, GenerationListener listener)
      throws GenerationException {
    if ((long) request.promptIds().length + request.sampling().maxTokens() > limits.length()) {
      throw new GenerationException(
          Kind.TOO_LARGE,
          "prompt and max_tokens: "
              + request.promptIds().length
              + " + "
              + request.sampling().maxTokens()
              + " tokens (expected: at most "
              + limits.length()
              + " together)");
    }
    lock.lock();
    try {
      if (closed) {
        throw new GenerationException(Kind.CLOSED, "the engine is closed");
      }
      if (running.size() == limits.generations()) {
        throw new GenerationException(
            Kind.OVERLOADED, "the engine holds its " + limits.generations() + " generations");
      }
      Running one = new Running(request, listener);
      running.add(one);
      changed.signalAll();
      return one;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public EngineStats stats() {
    lock.lock();
    try {
      return new EngineStats(
          0, running.size(), 0, 0, 0, 0, 0, tokens, steps, 0, 0, finished, cancelled, 0);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    Thread ticking;
    lock.lock();
    try {
      closed = true;
      running.forEach(
          one -> one.fail(new GenerationException(Kind.CLOSED, "the engine is closed")));
      running.clear();
      changed.signalAll();
      ticking = thread;
    } finally {
      lock.unlock();
    }
    if (ticking != null) {
      try {
        ticking.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** One generation; all but {@link #cancel} under the lock. */
  private final class Running implements Generation {
    private final GenerationRequest request;
    private final GenerationListener listener;
    private final IncrementalDecoder decoder;
    private volatile boolean cancelAsked;
    private int told;

    Running(GenerationRequest request, GenerationListener listener) {
      this.request = request;
      this.listener = listener;
      this.decoder =
          tokenizer.newDecoder(request.promptIds(), request.sampling().skipSpecialTokens());
    }

    @Override
    public void cancel() {
      cancelAsked = true;
    }

    /** Returns whether it ended. */
    boolean advance() {
      if (cancelAsked) {
        cancelled++;
        fail(new GenerationException(Kind.CANCELLED, "the request was cancelled"));
        return true;
      }
      int[] prompt = request.promptIds();
      if (told < request.sampling().maxTokens()) {
        int id = NullTokenizer.answer(prompt[prompt.length - 1], told++);
        tokens++;
        listener.onToken(new Token(id, decoder.append(id), List.of()));
      }
      if (told < request.sampling().maxTokens()) {
        return false;
      }
      finished++;
      release();
      listener.onFinish(
          new Finish(FinishReason.LENGTH, decoder.flush(), "", prompt.length, 0, told));
      return true;
    }

    void fail(GenerationException error) {
      release();
      listener.onError(error);
    }

    private void release() {
      request.adapters().forEach(adapter -> adapter.lease().close());
    }
  }
}
