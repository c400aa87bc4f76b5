package dev.openlora.server.openai;

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
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.engine.text.IncrementalDecoder;
import dev.openlora.engine.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An engine without numbers: what it says is a function of the request, one byte a token, one token
 * a step. It steps by itself on its own thread, or when a test says so. Text is held back to the
 * end when a request has stop strings.
 */
final class FakeEngine implements Engine {
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";

  private final BaseModel model = new FakeModel("fake/base");
  private final FakeTokenizer tokenizer = new FakeTokenizer();
  private final int maxModelLength;
  private final List<Running> running = new ArrayList<>(); // guarded by this
  private final List<GenerationRequest> submitted = new ArrayList<>(); // guarded by this
  private final @Nullable Thread thread;
  private int capacity = Integer.MAX_VALUE; // guarded by this
  private boolean closed; // guarded by this
  private long cancelled; // guarded by this
  private volatile Function<GenerationRequest, String> script = request -> LETTERS.repeat(4000);
  private volatile @Nullable GenerationException failure;
  private volatile int failureAfter;

  private FakeEngine(int maxModelLength, boolean stepsAlone) {
    this.maxModelLength = maxModelLength;
    this.thread =
        stepsAlone ? Thread.ofPlatform().daemon().name("fake-engine").start(this::loop) : null;
  }

  static FakeEngine running(int maxModelLength) {
    return new FakeEngine(maxModelLength, true);
  }

  static FakeEngine stepped(int maxModelLength) {
    return new FakeEngine(maxModelLength, false);
  }

  FakeEngine says(Function<GenerationRequest, String> answer) {
    script = answer;
    return this;
  }

  FakeEngine says(String answer) {
    return says(request -> answer);
  }

  /** Every generation fails once it has so many tokens. */
  FakeEngine fails(int afterTokens, Kind kind, String message) {
    failureAfter = afterTokens;
    failure = new GenerationException(kind, message);
    return this;
  }

  synchronized FakeEngine holds(int generations) {
    capacity = generations;
    return this;
  }

  synchronized int runningCount() {
    return running.size();
  }

  synchronized long cancelledCount() {
    return cancelled;
  }

  synchronized List<GenerationRequest> submitted() {
    return List.copyOf(submitted);
  }

  /** One token for each. */
  synchronized void step() {
    running.removeIf(Running::advance);
  }

  private synchronized void loop() {
    try {
      while (!closed) {
        if (running.isEmpty()) {
          wait();
        } else {
          step();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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
    return maxModelLength;
  }

  @Override
  public synchronized Generation submit(GenerationRequest request, GenerationListener listener)
      throws GenerationException {
    if (closed) {
      throw new GenerationException(Kind.CLOSED, "The engine is closed.");
    }
    if (running.size() >= capacity) {
      throw new GenerationException(Kind.OVERLOADED, "The queue is full.");
    }
    if (request.promptIds().length + request.sampling().maxTokens() > maxModelLength) {
      throw new GenerationException(Kind.TOO_LARGE, "Too long for the cache.");
    }
    Running one = new Running(request, listener);
    submitted.add(request);
    running.add(one);
    notifyAll();
    return one;
  }

  @Override
  public synchronized EngineStats stats() {
    return new EngineStats(
        0, running.size(), 100, running.size(), 0, 1, 2, 3, 4, 1, 5, 6, cancelled, 7);
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      running.forEach(one -> one.fail(new GenerationException(Kind.CLOSED, "The engine closed.")));
      running.clear();
      notifyAll();
    }
    if (thread != null) {
      thread.interrupt();
    }
  }

  private final class Running implements Generation {
    private final GenerationRequest request;
    private final SamplingParams sampling;
    private final GenerationListener listener;
    private final byte[] answer;
    private final IncrementalDecoder decoder;
    private final StringBuilder held = new StringBuilder();
    private final AtomicBoolean cancelAsked = new AtomicBoolean();
    private int tokens;

    Running(GenerationRequest request, GenerationListener listener) {
      this.request = request;
      this.sampling = request.sampling();
      this.listener = listener;
      this.answer = script.apply(request).getBytes(StandardCharsets.UTF_8);
      this.decoder = tokenizer.newDecoder(request.promptIds(), sampling.skipSpecialTokens());
    }

    @Override
    public void cancel() {
      cancelAsked.set(true);
    }

    boolean advance() {
      if (cancelAsked.get()) {
        cancelled++;
        fail(new GenerationException(Kind.CANCELLED, "its client left"));
        return true;
      }
      GenerationException planned = failure;
      if (planned != null && tokens == failureAfter) {
        fail(planned);
        return true;
      }
      if (tokens == 0 && sampling.promptLogprobs() >= 0) {
        List<List<TokenLogprob>> prompt = new ArrayList<>();
        for (int i = 0; i < request.promptIds().length; i++) {
          prompt.add(
              i == 0 ? List.of() : logprobs(request.promptIds()[i], sampling.promptLogprobs()));
        }
        listener.onPrompt(prompt);
      }
      if (tokens < sampling.maxTokens()) {
        boolean ended = tokens >= answer.length;
        if (ended && !sampling.ignoreEos() && tokens >= sampling.minTokens()) {
          finish(FinishReason.STOP, "", "");
          return true;
        }
        int id = ended ? 'z' : answer[tokens] & 0xff;
        if (emit(id)) {
          return true;
        }
      }
      if (tokens == sampling.maxTokens()) {
        finish(FinishReason.LENGTH, held.toString(), "");
        return true;
      }
      return false;
    }

    private boolean emit(int id) {
      tokens++;
      String text = decoder.append(id);
      List<TokenLogprob> logprobs =
          sampling.logprobs() < 0 ? List.of() : logprobs(id, sampling.logprobs());
      if (sampling.stopTokenIds().contains(id)) {
        listener.onToken(new Token(id, "", logprobs));
        finish(FinishReason.STOP, held.toString(), id);
        return true;
      }
      if (sampling.stop().isEmpty()) {
        listener.onToken(new Token(id, text, logprobs));
        return false;
      }
      held.append(text);
      listener.onToken(new Token(id, "", logprobs));
      for (String stop : sampling.stop()) {
        int at = held.indexOf(stop);
        if (at >= 0) {
          int end = sampling.includeStopInOutput() ? at + stop.length() : at;
          finish(FinishReason.STOP, held.substring(0, end), stop);
          return true;
        }
      }
      return false;
    }

    private List<TokenLogprob> logprobs(int id, int alternatives) {
      List<TokenLogprob> list = new ArrayList<>();
      list.add(new TokenLogprob(id, -0.25f, 1));
      for (int i = 2; i <= alternatives; i++) {
        list.add(new TokenLogprob((id + i) % 128, -i, i));
      }
      return list;
    }

    private void finish(FinishReason reason, String text, Object stop) {
      request.adapters().forEach(adapter -> adapter.lease().close());
      listener.onFinish(
          new Finish(reason, text + decoder.flush(), stop, request.promptIds().length, 0, tokens));
    }

    void fail(GenerationException error) {
      request.adapters().forEach(adapter -> adapter.lease().close());
      listener.onError(error);
    }
  }
}
