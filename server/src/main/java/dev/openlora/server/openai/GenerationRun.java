package dev.openlora.server.openai;

import dev.openlora.adapter.AdapterLease;
import dev.openlora.engine.Engine;
import dev.openlora.engine.Generation;
import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationListener;
import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.ScaledAdapter;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.server.http.ApiException;
import java.util.ArrayList;
import java.util.List;

/**
 * The generations of one request: submits them, passes on what they say, cancels them together. Any
 * thread.
 */
final class GenerationRun {
  /** Hears every choice, on the engine's thread: must return at once. */
  interface Sink {
    void onPrompt(Choice choice, List<List<TokenLogprob>> logprobs);

    void onToken(Choice choice, GenerationListener.Token token);

    void onFinish(Choice choice, GenerationListener.Finish finish);

    void onError(Choice choice, GenerationException error);
  }

  private final Engine engine;
  private final GenerationCall call;
  private final ServerMetrics metrics;
  private final List<Choice> choices = new ArrayList<>();
  private final List<Generation> generations = new ArrayList<>(); // guarded by itself
  private boolean cancelled; // guarded by generations

  GenerationRun(Engine engine, GenerationCall call, ServerMetrics metrics) {
    this.engine = engine;
    this.call = call;
    this.metrics = metrics;
    for (Prompt prompt : call.prompts()) {
      for (int i = 0; i < call.n(); i++) {
        choices.add(new Choice(choices.size(), prompt));
      }
    }
  }

  List<Choice> choices() {
    return choices;
  }

  /**
   * Submits all choices, or none of them stays.
   *
   * @throws ApiException when the engine refuses one
   */
  void submit(Selection selection, Sink sink) throws ApiException {
    try {
      for (Choice choice : choices) {
        submit(choice, selection.handles(), sink);
      }
    } catch (GenerationException e) {
      cancel();
      throw EngineErrors.answer(e);
    }
  }

  private void submit(Choice choice, List<ScaledAdapter> adapters, Sink sink)
      throws GenerationException {
    Generation generation;
    boolean taken = false;
    try {
      generation =
          engine.submit(
              new GenerationRequest(
                  call.id() + "-" + choice.index(),
                  choice.prompt().ids(),
                  adapters,
                  call.sampling()
                      .params(
                          choice.index() % call.n(),
                          call.lengths().get(choice.index() / call.n()),
                          call.echoLogprobs())),
              metrics.timed(new Forwarder(choice, sink)));
      taken = true;
    } finally {
      if (!taken) {
        adapters.stream().map(ScaledAdapter::lease).forEach(AdapterLease::close);
      }
    }
    boolean late;
    synchronized (generations) {
      generations.add(generation);
      late = cancelled;
    }
    if (late) {
      generation.cancel();
    }
  }

  /** Ends what is running; each choice still hears its end. */
  void cancel() {
    List<Generation> running;
    synchronized (generations) {
      if (cancelled) {
        return;
      }
      cancelled = true;
      running = List.copyOf(generations);
    }
    running.forEach(Generation::cancel);
  }

  private record Forwarder(Choice choice, Sink sink) implements GenerationListener {
    @Override
    public void onPrompt(List<List<TokenLogprob>> logprobs) {
      sink.onPrompt(choice, logprobs);
    }

    @Override
    public void onToken(Token token) {
      sink.onToken(choice, token);
    }

    @Override
    public void onFinish(Finish finish) {
      sink.onFinish(choice, finish);
    }

    @Override
    public void onError(GenerationException error) {
      sink.onError(choice, error);
    }
  }
}
