package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.openai.TestServer.Answer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code /v1/completions} in one piece. */
class CompletionsTest {
  @TempDir Path folder;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(FakeEngine.running(512));
  }

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void answersWithTextUsageAndOneId() {
    JsonNode answer = ok("{\"prompt\":\"Once\",\"max_tokens\":5}");
    assertThat(answer.get("id").stringValue()).startsWith("cmpl-");
    assertThat(answer.get("object").stringValue()).isEqualTo("text_completion");
    assertThat(answer.get("model").stringValue()).isEqualTo("fake/base");
    JsonNode choice = answer.get("choices").get(0);
    assertThat(choice.get("text").stringValue()).isEqualTo("abcde");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(choice.get("stop_reason").isNull()).isTrue();
    assertThat(choice.get("logprobs").isNull()).isTrue();
    assertThat(choice.get("token_ids").isNull()).isTrue();
    assertThat(answer.get("usage").toString())
        .isEqualTo(
            "{\"prompt_tokens\":5,\"total_tokens\":10,\"completion_tokens\":5,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":0}}");
    assertThat(answer.get("openlora").toString()).isEqualTo("{\"adapters\":[]}");
  }

  @Test
  void generatesSixteenTokensWhenNothingElseIsSaid() {
    assertThat(text(ok("{\"prompt\":\"Once\"}"), 0)).hasSize(16);
    assertThat(text(ok("{\"prompt\":\"Once\",\"max_tokens\":null}"), 0)).hasSize(16);
  }

  @Test
  void answersTheGoldenClientsQuestion() {
    JsonNode choice =
        ok("{\"model\":\"fake/base\",\"prompt\":[256,79,110],\"max_tokens\":2,\"ignore_eos\":true,"
                + "\"temperature\":0,\"echo\":true,\"logprobs\":1,\"return_token_ids\":true}")
            .get("choices")
            .get(0);
    JsonNode logprobs = choice.get("logprobs");
    assertThat(choice.get("text").stringValue()).isEqualTo("Onab");
    assertThat(strings(logprobs.get("tokens"))).containsExactly("<s>", "O", "n", "a", "b");
    assertThat(logprobs.get("text_offset").toString()).isEqualTo("[0,3,4,5,6]");
    assertThat(logprobs.get("token_logprobs").toString())
        .isEqualTo("[null,-0.25,-0.25,-0.25,-0.25]");
    assertThat(logprobs.get("top_logprobs").toString())
        .isEqualTo("[null,{\"O\":-0.25},{\"n\":-0.25},{\"a\":-0.25},{\"b\":-0.25}]");
    assertThat(choice.get("token_ids").toString()).isEqualTo("[97,98]");
    assertThat(choice.get("prompt_token_ids").toString()).isEqualTo("[256,79,110]");
  }

  @Test
  void scoresAPromptWithoutGenerating() {
    JsonNode choice =
        ok("{\"prompt\":\"On\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0}")
            .get("choices")
            .get(0);
    assertThat(choice.get("text").stringValue()).isEqualTo("On");
    assertThat(choice.get("logprobs").get("token_logprobs").toString())
        .isEqualTo("[null,-0.25,-0.25]");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("length");
  }

  @Test
  void givesPromptLogprobsWithRanks() {
    JsonNode choice =
        ok("{\"prompt\":\"On\",\"max_tokens\":1,\"prompt_logprobs\":2,\"add_special_tokens\":false}")
            .get("choices")
            .get(0);
    assertThat(choice.get("prompt_logprobs").toString())
        .isEqualTo(
            "[null,{\"110\":{\"logprob\":-0.25,\"rank\":1,\"decoded_token\":\"n\"},"
                + "\"112\":{\"logprob\":-2.0,\"rank\":2,\"decoded_token\":\"p\"}}]");
  }

  @Test
  void showsTokensAsIdsWhenAsked() {
    JsonNode logprobs =
        ok("{\"prompt\":\"On\",\"max_tokens\":1,\"logprobs\":2,\"return_tokens_as_token_ids\":true}")
            .get("choices")
            .get(0)
            .get("logprobs");
    assertThat(logprobs.get("tokens").toString()).isEqualTo("[\"token_id:97\"]");
    assertThat(logprobs.get("top_logprobs").toString())
        .isEqualTo("[{\"token_id:97\":-0.25,\"token_id:99\":-2.0}]");
  }

  @Test
  void takesPromptsInFourForms() {
    assertThat(ok("{\"prompt\":\"On\"}").get("choices")).hasSize(1);
    assertThat(ok("{\"prompt\":[\"On\",\"ce\"]}").get("choices")).hasSize(2);
    assertThat(ok("{\"prompt\":[79,110]}").get("choices")).hasSize(1);
    JsonNode answer = ok("{\"prompt\":[[79,110],[99]],\"n\":2,\"echo\":true,\"max_tokens\":1}");
    assertThat(StreamSupport.stream(answer.get("choices").spliterator(), false))
        .extracting(c -> c.get("index").intValue() + c.get("text").stringValue())
        .containsExactly("0Ona", "1Ona", "2ca", "3ca");
    assertThat(answer.get("usage").get("prompt_tokens").intValue()).isEqualTo(3);
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(4);
  }

  @Test
  void derivesOneSeedPerChoice() {
    ok("{\"prompt\":\"On\",\"n\":3,\"seed\":7,\"temperature\":1}");
    assertThat(server.engine.submitted())
        .extracting(request -> request.sampling().seed())
        .containsExactly(7L, 8L, 9L);
  }

  @Test
  void stopsAtStringsAndTokens() {
    JsonNode string = ok("{\"prompt\":\"On\",\"stop\":\"de\"}").get("choices").get(0);
    assertThat(string.get("text").stringValue()).isEqualTo("abc");
    assertThat(string.get("finish_reason").stringValue()).isEqualTo("stop");
    assertThat(string.get("stop_reason").stringValue()).isEqualTo("de");
    JsonNode token = ok("{\"prompt\":\"On\",\"stop_token_ids\":[99]}").get("choices").get(0);
    assertThat(token.get("text").stringValue()).isEqualTo("ab");
    assertThat(token.get("stop_reason").intValue()).isEqualTo(99);
    assertThat(
            text(
                ok("{\"prompt\":\"On\",\"stop\":[\"de\"],\"include_stop_str_in_output\":true}"), 0))
        .isEqualTo("abcde");
  }

  @Test
  void handsTheEngineWhatWasAsked() {
    ok(
        "{\"prompt\":\"On\",\"temperature\":0.5,\"top_k\":-1,\"top_p\":0.9,\"min_p\":0.1,"
            + "\"repetition_penalty\":1.5,\"presence_penalty\":0.25,\"frequency_penalty\":-0.5,"
            + "\"logit_bias\":{\"97\":200,\"98\":-1.5},\"min_tokens\":2,\"max_tokens\":3,"
            + "\"skip_special_tokens\":false,\"ignore_eos\":true}");
    var sampling = server.engine.submitted().getFirst().sampling();
    assertThat(sampling.temperature()).isEqualTo(0.5);
    assertThat(sampling.topK()).isZero();
    assertThat(sampling.topP()).isEqualTo(0.9);
    assertThat(sampling.minP()).isEqualTo(0.1);
    assertThat(sampling.repetitionPenalty()).isEqualTo(1.5);
    assertThat(sampling.presencePenalty()).isEqualTo(0.25);
    assertThat(sampling.frequencyPenalty()).isEqualTo(-0.5);
    assertThat(sampling.logitBias()).containsEntry(97, 100f).containsEntry(98, -1.5f);
    assertThat(sampling.minTokens()).isEqualTo(2);
    assertThat(sampling.maxTokens()).isEqualTo(3);
    assertThat(sampling.skipSpecialTokens()).isFalse();
    assertThat(sampling.ignoreEos()).isTrue();
    assertThat(sampling.logprobs()).isEqualTo(-1);
    assertThat(sampling.promptLogprobs()).isEqualTo(-1);
  }

  @Test
  void truncatesPromptsFromTheLeft() {
    ok("{\"prompt\":\"abcdef\",\"truncate_prompt_tokens\":2}");
    ok("{\"prompt\":\"abcdef\",\"truncate_prompt_tokens\":2,\"truncation_side\":\"right\"}");
    assertThat(server.engine.submitted().get(0).promptIds()).containsExactly('e', 'f');
    assertThat(server.engine.submitted().get(1).promptIds()).containsExactly(256, 'a');
  }

  @Test
  void mixesAdaptersWithScales() throws Exception {
    load("a", "lora");
    load("b", "lora");
    JsonNode answer =
        ok(
            "{\"model\":\"fake/base\",\"prompt\":\"On\",\"n\":2,"
                + "\"adapters\":[{\"id\":\"a\",\"scale\":0.5},{\"id\":\"b\"}]}");
    assertThat(server.engine.submitted())
        .hasSize(2)
        .allSatisfy(request ->
            assertThat(request.adapters())
                .extracting(one -> one.lease().adapter().id().name() + one.scale())
                .containsExactly("a0.5", "b1.0"));
    assertThat(strings(answer.get("openlora").get("adapters")))
        .allMatch(version -> version.matches("[ab]@[0-9a-f]{12}"));
  }

  @Test
  void refusesMixesThatMeanNothing() throws Exception {
    load("a", "lora");
    load("d", "dora");
    load("s", "saved");
    String both = "{\"prompt\":\"On\",\"adapters\":[{\"id\":\"a\"},{\"id\":\"%s\"}]}";
    assertThat(server.complete(both.formatted("d")).status()).isEqualTo(200);
    assertThat(server.complete(both.formatted("s")).status()).isEqualTo(200);
    load("t", "saved");
    Answer two =
        server.complete("{\"prompt\":\"On\",\"adapters\":[{\"id\":\"s\"},{\"id\":\"t\"}]}");
    assertThat(two.status()).isEqualTo(400);
    assertThat(two.error()).contains("'s' (LoRA r8, saved)", "'t' (LoRA r8, saved)");
    assertThat(server.complete(both.formatted("a")).error()).contains("'a' again");
    Answer none = server.complete(both.formatted("nosuch"));
    assertThat(none.status()).isEqualTo(404);
    assertThat(none.error()).isEqualTo("The model `nosuch` does not exist.");
    Answer scaled =
        server.complete("{\"prompt\":\"On\",\"adapters\":[{\"id\":\"d\",\"scale\":2}]}");
    assertThat(scaled.status()).isEqualTo(400);
    assertThat(scaled.error()).contains("'d'", "scale must be 1, got 2.0");
    assertThat(
            server
                .complete("{\"model\":\"a\",\"prompt\":\"On\",\"adapters\":[{\"id\":\"d\"}]}")
                .error())
        .contains("must name the base");
    assertThat(
            server
                .complete("{\"prompt\":\"On\",\"adapters\":[{\"id\":\"a\",\"scale\":101}]}")
                .error())
        .isEqualTo("adapters[0].scale must be in [-100, 100], got 101.0.");
    assertThat(ok("{\"prompt\":\"On\",\"adapters\":[{\"id\":\"d\"}]}").get("choices")).hasSize(1);
  }

  private void load(String name, String kind) throws Exception {
    server.adapters.load(name, FakeAdapters.folder(folder, name, kind), false);
  }

  private JsonNode ok(String body) {
    Answer answer = server.complete(body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json();
  }

  private static String text(JsonNode answer, int choice) {
    return answer.get("choices").get(choice).get("text").stringValue();
  }

  private static List<String> strings(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::stringValue).toList();
  }
}
