package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class WorkloadTest {
  @Test
  void asksTheSameForOneSeedAndNeverTwiceTheSamePrompt() {
    List<Ask> asks = workload(Workload.Prompts.IDS, 1).asks();
    assertThat(asks).isEqualTo(workload(Workload.Prompts.IDS, 1).asks());
    assertThat(asks).hasSize(50).extracting(Ask::prompt).doesNotHaveDuplicates();
    assertThat(asks)
        .extracting(Ask::prompt)
        .doesNotContainAnyElementsOf(
            workload(Workload.Prompts.IDS, 2).asks().stream().map(Ask::prompt).toList());
  }

  @Test
  void countsIdsButNotWhatATokenizerMakesOfWords() {
    for (Ask ask : workload(Workload.Prompts.IDS, 1).asks()) {
      assertThat(ask.prompt().size()).isEqualTo(12);
      assertThat(ask.prompt()).extracting(JsonNode::asInt).allMatch(id -> id >= 20 && id < 220);
      assertThat(ask.promptTokens()).isEqualTo(12);
      assertThat(ask.newTokens()).isEqualTo(7);
    }
    for (Ask ask : workload(Workload.Prompts.WORDS, 1).asks()) {
      assertThat(ask.prompt().asString().split(" ", -1)).hasSize(12);
      assertThat(ask.promptTokens()).isZero();
    }
  }

  private static Workload workload(Workload.Prompts prompts, long seed) {
    return new Workload(
        50,
        new Workload.Lengths(12, 7),
        prompts,
        new Popularity(Popularity.Kind.UNIFORM, 0),
        5,
        seed);
  }
}
