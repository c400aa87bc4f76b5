package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.Generation;
import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationException.Kind;
import dev.openlora.engine.GenerationListener;
import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.sampling.SamplingParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NullEngineTest {
  private final NullEngine engine = new NullEngine(new NullEngine.Limits(2, 10));

  @AfterEach
  void close() {
    engine.close();
  }

  /** All that a listener is told, as text. */
  private static final class Heard implements GenerationListener {
    final List<String> all = new ArrayList<>();
    final CountDownLatch over = new CountDownLatch(1);

    @Override
    public void onToken(Token token) {
      all.add(token.tokenId() + token.text());
    }

    @Override
    public void onFinish(Finish finish) {
      all.add(finish.reason() + " " + finish.promptTokens() + "+" + finish.outputTokens());
      over.countDown();
    }

    @Override
    public void onError(GenerationException error) {
      all.add(error.kind().name());
      over.countDown();
    }
  }

  private Generation submit(int prompt, int tokens, Heard heard) throws GenerationException {
    return engine.submit(
        new GenerationRequest(
            "r" + prompt, new int[] {prompt}, List.of(), SamplingParams.greedy(tokens)),
        heard);
  }

  private void refuses(int tokens, Kind kind) {
    assertThatThrownBy(() -> submit(0, tokens, new Heard()))
        .isInstanceOfSatisfying(
            GenerationException.class, e -> assertThat(e.kind()).isEqualTo(kind));
  }

  @Test
  void givesEachGenerationOneTokenATickInOrder() throws GenerationException {
    Heard first = new Heard();
    Heard second = new Heard();
    submit(0, 3, first);
    engine.tick();
    submit(25, 2, second);
    assertThat(first.all).containsExactly("1 aab");
    assertThat(second.all).isEmpty();
    engine.tick();
    engine.tick();
    engine.tick();
    assertThat(first.all).containsExactly("1 aab", "2 aac", "3 aad", "LENGTH 1+3");
    assertThat(second.all).containsExactly("26 aba", "27 abb", "LENGTH 1+2");
    assertThat(engine.stats().outputTokensTotal()).isEqualTo(5);
    assertThat(engine.stats().finishedTotal()).isEqualTo(2);
    assertThat(engine.stats().running()).isZero();
  }

  @Test
  void countsOnFromTheLastWordToTheFirst() throws GenerationException {
    Heard heard = new Heard();
    submit(NullTokenizer.VOCABULARY - 2, 2, heard);
    engine.tick();
    engine.tick();
    assertThat(heard.all)
        .containsExactly((NullTokenizer.VOCABULARY - 1) + " zzz", "0 aaa", "LENGTH 1+2");
  }

  @Test
  void aCancelledGenerationHearsSoInTheNextTickAndNothingBehind() throws GenerationException {
    Heard heard = new Heard();
    Generation generation = submit(0, 5, heard);
    engine.tick();
    generation.cancel();
    engine.tick();
    engine.tick();
    generation.cancel();
    assertThat(heard.all).containsExactly("1 aab", "CANCELLED");
    assertThat(engine.stats().cancelledTotal()).isEqualTo(1);
    assertThat(engine.stats().running()).isZero();
  }

  @Test
  void aGenerationWithoutTokensEndsInItsTick() throws GenerationException {
    Heard heard = new Heard();
    submit(0, 0, heard);
    engine.tick();
    assertThat(heard.all).containsExactly("LENGTH 1+0");
  }

  @Test
  void refusesWhatIsTooMuchTooLongOrTooLate() throws GenerationException {
    refuses(10, Kind.TOO_LARGE);
    Heard one = new Heard();
    submit(0, 9, one);
    submit(0, 9, new Heard());
    refuses(9, Kind.OVERLOADED);
    engine.close();
    assertThat(one.all).containsExactly("CLOSED");
    refuses(9, Kind.CLOSED);
  }

  @Test
  void heldGenerationsWaitAndThenTickByTheClock() throws Exception {
    engine.hold();
    Heard heard = new Heard();
    submit(0, 4, heard);
    assertThat(engine.awaitGenerations(1, Duration.ofSeconds(10))).isEqualTo(1);
    assertThat(engine.awaitGenerations(2, Duration.ofMillis(1))).isEqualTo(1);
    assertThat(heard.all).isEmpty();
    long origin = engine.go(1_000_000);
    assertThat(heard.over.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(System.nanoTime()).isGreaterThanOrEqualTo(origin + 3 * 1_000_000);
    assertThat(heard.all).containsExactly("1 aab", "2 aac", "3 aad", "4 aae", "LENGTH 1+4");
  }

  @Test
  void wordsAreTokensBothWays() {
    NullTokenizer tokenizer = new NullTokenizer();
    int[] ids = {0, 26, 676, NullTokenizer.VOCABULARY - 1};
    assertThat(tokenizer.decode(ids, true)).isEqualTo(" aaa aba baa zzz");
    assertThat(tokenizer.encode(" aaa aba baa zzz", true)).isEqualTo(ids);
    assertThatThrownBy(() -> tokenizer.encode("hello", true)).hasMessageContaining("'hello'");
  }
}
