package dev.openlora.server.openai;

import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.GenerationListener.Token;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.server.http.ApiException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Gathers all choices for an answer in one piece. The choices belong to the engine's thread until
 * {@link #await} returns.
 */
final class CollectedAnswer implements GenerationRun.Sink {
  private final GenerationRun run;
  private final CountDownLatch running;
  private final AtomicReference<@Nullable GenerationException> failure = new AtomicReference<>();

  CollectedAnswer(GenerationRun run) {
    this.run = run;
    this.running = new CountDownLatch(run.choices().size());
  }

  /** Waits until every choice has ended. */
  void await() throws InterruptedException, ApiException {
    running.await();
    GenerationException first = failure.get();
    if (first != null) {
      throw EngineErrors.answer(first);
    }
  }

  @Override
  public void onPrompt(Choice choice, List<List<TokenLogprob>> logprobs) {
    choice.onPrompt(logprobs);
  }

  @Override
  public void onToken(Choice choice, Token token) {
    choice.onToken(token);
  }

  @Override
  public void onFinish(Choice choice, Finish finish) {
    choice.onFinish(finish);
    running.countDown();
  }

  @Override
  public void onError(Choice choice, GenerationException error) {
    if (failure.compareAndSet(null, error)) {
      run.cancel();
    }
    running.countDown();
  }
}
