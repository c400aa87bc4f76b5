package dev.openlora.server.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The expected numbers are what rouge-score 0.1.2 ({@code RougeScorer(["rouge1","rouge2","rougeL"],
 * use_stemmer=False).score(reference, answer)}, fmeasure) and sacrebleu 2.6.0 ({@code
 * corpus_bleu([answer], [[reference]]).score}) print.
 */
class AnswerScoresTest {
  private static final Offset<Double> EXACT = within(1e-8);

  private static Stream<Arguments> pairs() {
    return Stream.of(
        pair(
            "the cat sat on the mat",
            "the cat is on the mat",
            0.833333333,
            0.6,
            0.833333333,
            37.991784283),
        pair(
            "A quick brown fox jumps over 3.5 dogs, doesn't it?",
            "The quick brown fox jumped over 3,5 lazy dogs - didn't it.",
            0.72,
            0.434782609,
            0.72,
            13.792484215),
        pair("", "something is wanted here", 0, 0, 0, 0),
        pair("nothing in common", "completely different words", 0, 0, 0, 0),
        pair(
            "one two three four five six seven", "one two three four five six seven", 1, 1, 1, 100),
        pair(
            "He said: \"x&y <z>\" costs $5-10 (or 7%).",
            "He said \"x & y <z>\" cost $5-12, or 7%.", 0.8, 0.555555556, 0.8, 46.431866988),
        pair(
            "to be or not to be that is the question to be",
            "not to be is the question to be or to be not that",
            0.96,
            0.695652174,
            0.64,
            49.053781387));
  }

  private static Arguments pair(
      String answer, String reference, double one, double two, double longest, double bleu) {
    return Arguments.of(answer, reference, new RougeScore(one, two, longest), bleu);
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void agreesWithRougeScoreAndSacrebleu(
      String answer, String reference, RougeScore rouge, double bleu) {
    RougeScore score = RougeScore.of(answer, reference);
    BleuScore one = new BleuScore();
    one.add(answer, reference);

    assertThat(score.rouge1()).isCloseTo(rouge.rouge1(), EXACT);
    assertThat(score.rouge2()).isCloseTo(rouge.rouge2(), EXACT);
    assertThat(score.rougeL()).isCloseTo(rouge.rougeL(), EXACT);
    assertThat(one.score()).isCloseTo(bleu, EXACT);
  }

  @Test
  void bleuCountsOverAllAnswersNotPerAnswer() {
    BleuScore all = new BleuScore();
    pairs().forEach(pair -> all.add(String.valueOf(pair.get()[0]), String.valueOf(pair.get()[1])));

    assertThat(all.score()).isCloseTo(42.432728638, EXACT);
    assertThat(new BleuScore().score()).isZero();
  }

  @Test
  void rougeCountsWordsOfEveryScript() {
    assertThat(RougeScore.of("Größe zählt", "größe ZÄHLT").rouge2()).isEqualTo(1);
    assertThat(RougeScore.of("мир труд", "труд мир").rougeL()).isEqualTo(0.5);
  }

  @Test
  void rougeRefusesATextThatWouldTakeForEver() {
    String text = "a ".repeat(RougeScore.WORDS_MAX + 1);

    assertThatThrownBy(() -> RougeScore.of(text, "a")).hasMessageStartingWith("text: more than");
  }

  @Test
  void theMeanOfNothingIsZero() {
    assertThat(RougeScore.mean(List.of())).isEqualTo(new RougeScore(0, 0, 0));
    assertThat(RougeScore.mean(List.of(new RougeScore(1, 0, 0.5), new RougeScore(0, 0, 0.5))))
        .isEqualTo(new RougeScore(0.5, 0, 0.5));
  }
}
