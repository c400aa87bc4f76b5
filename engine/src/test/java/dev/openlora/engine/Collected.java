package dev.openlora.engine;

import dev.openlora.engine.sampling.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A listener that keeps what it hears, for tests to wait on. */
final class Collected implements GenerationListener {
  final List<Integer> tokenIds = new ArrayList<>();
  final List<List<TokenLogprob>> logprobs = new ArrayList<>();
  final StringBuilder text = new StringBuilder();
  final CountDownLatch firstToken = new CountDownLatch(1);
  List<List<TokenLogprob>> promptLogprobs = List.of();
  @Nullable Finish finish;
  @Nullable GenerationException error;
  private final CountDownLatch ended = new CountDownLatch(1);

  @Override
  public void onPrompt(List<List<TokenLogprob>> scores) {
    promptLogprobs = scores;
  }

  @Override
  public void onToken(Token token) {
    tokenIds.add(token.tokenId());
    logprobs.add(token.logprobs());
    text.append(token.text());
    firstToken.countDown();
  }

  @Override
  public void onFinish(Finish end) {
    text.append(end.text());
    finish = end;
    ended.countDown();
    firstToken.countDown();
  }

  @Override
  public void onError(GenerationException failure) {
    error = failure;
    ended.countDown();
    firstToken.countDown();
  }

  Collected await() {
    try {
      if (!ended.await(120, TimeUnit.SECONDS)) {
        throw new AssertionError("no end after 120 s and " + tokenIds.size() + " tokens");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return this;
  }

  /** The error, once it has come. */
  GenerationException failure() {
    await();
    if (error == null) {
      throw new AssertionError("no failure, but " + tokenIds.size() + " tokens");
    }
    return error;
  }

  /** The regular end, once it has come. */
  Finish end() {
    succeeded();
    if (finish == null) {
      throw new AssertionError("no end");
    }
    return finish;
  }

  Collected succeeded() {
    await();
    if (error != null) {
      throw new AssertionError("failed: " + error.kind() + " " + error.getMessage());
    }
    return this;
  }
}
