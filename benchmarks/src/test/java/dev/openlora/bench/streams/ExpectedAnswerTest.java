package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ExpectedAnswerTest {
  // The answer to prompt 0 begins with token 1: aab, aac, aad.
  private final ExpectedAnswer answer = new ExpectedAnswer(0, 3);

  private static String chunk(String text, String reason) {
    return "{\"id\":\"x\",\"choices\":[{\"index\":0,\"text\":\""
        + text
        + "\",\"logprobs\":null,\"finish_reason\":"
        + reason
        + ",\"stop_reason\":null}]}";
  }

  private void take(String event) throws BadAnswerException {
    byte[] bytes = ("data: " + event).getBytes(StandardCharsets.UTF_8);
    answer.event(bytes, 6, bytes.length);
  }

  private void refuses(String event, String reason) {
    assertThatThrownBy(() -> take(event))
        .isInstanceOf(BadAnswerException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void takesTokensOneByOneOrTogether() throws BadAnswerException {
    take(chunk(" aab", "null"));
    assertThat(answer.tokens()).isEqualTo(1);
    take(chunk(" aac aad", "\"length\""));
    assertThat(answer.tokens()).isEqualTo(3);
    assertThat(answer.events()).isEqualTo(2);
    assertThat(answer.isDone()).isFalse();
    take("[DONE]");
    assertThat(answer.isDone()).isTrue();
  }

  @Test
  void takesAnEndOfItsOwn() throws BadAnswerException {
    take(chunk(" aab aac aad", "null"));
    take(chunk("", "\"length\""));
    take("[DONE]");
    assertThat(answer.isDone()).isTrue();
    assertThat(answer.events()).isEqualTo(1);
  }

  @Test
  void refusesATokenThatIsMissing() throws BadAnswerException {
    take(chunk(" aab", "null"));
    refuses(chunk(" aad", "null"), "not token 1 of 3");
  }

  @Test
  void refusesATokenTooMany() throws BadAnswerException {
    take(chunk(" aab aac aad", "null"));
    refuses(chunk(" aae", "null"), "not token 3 of 3");
  }

  @Test
  void refusesAnEndTooEarly() throws BadAnswerException {
    take(chunk(" aab", "null"));
    refuses(chunk(" aac", "\"length\""), "after 2 tokens");
  }

  @Test
  void refusesAnotherEnd() throws BadAnswerException {
    take(chunk(" aab aac", "null"));
    refuses(chunk(" aad", "\"stop\""), "after 3 tokens");
  }

  @Test
  void refusesDoneBeforeTheEnd() {
    refuses("[DONE]", "without \"text\"");
  }

  @Test
  void refusesAnError() {
    refuses("{\"error\":{\"message\":\"no\"}}", "no");
  }

  @Test
  void refusesWhatFollowsDone() throws BadAnswerException {
    take(chunk(" aab aac aad", "\"length\""));
    take("[DONE]");
    refuses("[DONE]", "behind [DONE]");
  }
}
