package dev.openlora.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class HuggingFaceTokenizerTest {
  @TempDir private Path directory;

  @Test
  void keepsEveryTokenOfALongTextWhateverTheFileSays() throws IOException {
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      String text = "hello world ".repeat(2000);
      int[] ids = tokenizer.encode(text, true);
      assertThat(ids).hasSizeGreaterThan(10_000);
      assertThat(tokenizer.decode(ids, true)).isEqualTo(text);
      assertThat(tokenizer.encode("hello", true)).containsExactly(259);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "llama2", "llama3", "qwen2"})
  void keepsEveryTokenOfALongTextInPublishedFiles(String name) throws IOException {
    try (HuggingFaceTokenizer tokenizer = shared("tokenizers/" + name)) {
      String text = "The quick brown fox é 你好 😀.\n".repeat(700);
      int[] ids = tokenizer.encode(text, false);
      assertThat(ids).hasSizeGreaterThan(5000);
      assertThat(tokenizer.decode(ids, true)).isEqualTo(text);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "models/stories260K, tokenizer_tok512_vectors.json",
    "tokenizers/llama2, tokenizer_llama2_vectors.json"
  })
  void encodesWithBosAsTransformersDoes(String folder, String vectors) throws IOException {
    Path file = SharedFiles.require("models/stories260K-reference/" + vectors);
    try (HuggingFaceTokenizer tokenizer = shared(folder)) {
      JsonNode entries = JsonMapper.shared().readTree(file.toFile());
      assertThat(entries.size()).isPositive();
      for (JsonNode entry : entries) {
        int[] wanted =
            IntStream.range(0, entry.get("ids").size())
                .map(i -> entry.get("ids").get(i).intValue())
                .toArray();
        String text = entry.get("text").stringValue();
        assertThat(tokenizer.encode(text, true)).as(text).containsExactly(wanted);
        assertThat(tokenizer.encode(text, false))
            .as(text)
            .containsExactly(IntStream.of(wanted).skip(1).toArray());
      }
    }
  }

  @Test
  void addsTheBosThatThePostProcessorLacks() throws IOException {
    TokenizerFixture.write(
        directory,
        "tokenizer_config.json",
        "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<|begin|>\"}}");
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      assertThat(tokenizer.encode("hello", true)).containsExactly(TokenizerFixture.BEGIN, 259);
      assertThat(tokenizer.encode("hello", false)).containsExactly(259);
    }
  }

  @Test
  void leavesOutTheBosThatALlamaConfigForbids() throws IOException {
    Consumer<ObjectNode> withBos =
        root -> {
          ObjectNode post = root.putObject("post_processor").put("type", "TemplateProcessing");
          post.putArray("single")
              .addObject()
              .putObject("SpecialToken")
              .put("id", "<|begin|>")
              .put("type_id", 0);
          post.withArray("single")
              .addObject()
              .putObject("Sequence")
              .put("id", "A")
              .put("type_id", 0);
          post.putArray("pair");
          ObjectNode begin = post.putObject("special_tokens").putObject("<|begin|>");
          begin.put("id", "<|begin|>").putArray("ids").add(TokenizerFixture.BEGIN);
          begin.putArray("tokens").add("<|begin|>");
        };
    String config = "{\"add_bos_token\": false, \"bos_token\": \"<|begin|>\"";
    TokenizerFixture.write(directory, "tokenizer_config.json", config + "}");
    try (HuggingFaceTokenizer tokenizer = fixture(withBos)) {
      assertThat(tokenizer.encode("hello", true)).containsExactly(TokenizerFixture.BEGIN, 259);
    }
    TokenizerFixture.write(
        directory,
        "tokenizer_config.json",
        config + ", \"tokenizer_class\": \"LlamaTokenizerFast\"}");
    try (HuggingFaceTokenizer tokenizer = fixture(withBos)) {
      assertThat(tokenizer.encode("hello", true)).containsExactly(259);
    }
  }

  @Test
  void tellsNamesBytesAndRoles() throws IOException {
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      assertThat(tokenizer.size()).isEqualTo(TokenizerFixture.SIZE);
      assertThat(tokenizer.tokenName(260)).isEqualTo("Ġw");
      assertThat(tokenizer.tokenBytes(260)).isEqualTo(utf8(" w"));
      assertThat(tokenizer.tokenBytes(0xE4)).containsExactly(0xE4);
      assertThat(tokenizer.tokenBytes(TokenizerFixture.BEGIN)).isEqualTo(utf8("<|begin|>"));
      assertThat(tokenizer.tokenBytes(TokenizerFixture.PLAIN_ADDED)).isEqualTo(utf8("two words"));
      assertThat(tokenizer.isSpecial(TokenizerFixture.END)).isTrue();
      assertThat(tokenizer.isSpecial(TokenizerFixture.PLAIN_ADDED)).isFalse();
      assertThat(tokenizer.tokenId("<|end|>")).hasValue(TokenizerFixture.END);
      assertThat(tokenizer.encode("<|end|>two words", false))
          .containsExactly(TokenizerFixture.END, TokenizerFixture.PLAIN_ADDED);
    }
    try (HuggingFaceTokenizer tokenizer = shared("models/stories260K")) {
      assertThat(tokenizer.size()).isEqualTo(512);
      assertThat(tokenizer.tokenBytes(tokenizer.encode("é", false)[0])).isEqualTo(utf8(" "));
      assertThat(tokenizer.tokenBytes(3 + 0xE4)).containsExactly(0xE4);
      assertThat(tokenizer.tokenName(3 + 0xE4)).isEqualTo("<0xE4>");
    }
  }

  @Test
  void idsBehindTheVocabularyAreNothing() throws IOException {
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      for (int id : new int[] {TokenizerFixture.SIZE, 1 << 30, Integer.MAX_VALUE, -1}) {
        assertThat(tokenizer.decode(new int[] {id}, false)).isEmpty();
        assertThat(tokenizer.decode(new int[] {id, 259, id}, false)).isEqualTo("hello");
        assertThat(tokenizer.tokenBytes(id)).isEmpty();
        assertThat(tokenizer.tokenName(id)).isEmpty();
        assertThat(tokenizer.isSpecial(id)).isFalse();
        assertThat(tokenizer.newDecoder(new int[] {id}, true).append(id)).isEmpty();
      }
      assertThat(tokenizer.decode(new int[0], true)).isEmpty();
      assertThat(tokenizer.encode("", true)).isEmpty();
    }
  }

  @Test
  void halfASurrogatePairIsAReplacementCharacter() throws IOException {
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      for (String half : new String[] {"\uD83D", "\uDE00"}) {
        int[] ids = tokenizer.encode("a" + half + "b", false);
        assertThat(tokenizer.decode(ids, true)).isEqualTo("a\uFFFDb");
      }
      int[] ids = tokenizer.encode("\uDE00\uD83D😀\0é", false);
      assertThat(tokenizer.decode(ids, true)).isEqualTo("\uFFFD\uFFFD😀\0é");
    }
  }

  @Test
  void servesManyThreads() throws Exception {
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {});
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Boolean>> answers = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        String text = "hello world " + i + " 😀";
        answers.add(
            threads.submit(
                () -> tokenizer.decode(tokenizer.encode(text, true), true).equals(text)));
      }
      for (Future<Boolean> answer : answers) {
        assertThat(answer.get()).isTrue();
      }
    }
  }

  @Test
  void refusesUseBehindTheEnd() throws IOException {
    HuggingFaceTokenizer tokenizer = fixture(root -> {});
    tokenizer.close();
    tokenizer.close();
    assertThatThrownBy(() -> tokenizer.encode("a", true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tokenizer: closed");
  }

  @Test
  void readsRolesAndEveryEos() throws IOException {
    try (HuggingFaceTokenizer tokenizer = shared("models/stories260K")) {
      assertThat(tokenizer.specialTokens().bosTokenId()).isEqualTo(OptionalInt.of(1));
      assertThat(tokenizer.specialTokens().eosTokenIds()).containsExactlyInAnyOrder(1, 2);
      assertThat(tokenizer.specialTokens().texts())
          .containsOnly(
              Map.entry("bos_token", "<s>"),
              Map.entry("eos_token", "</s>"),
              Map.entry("unk_token", "<unk>"));
      assertThat(tokenizer.chatTemplates().source()).isEmpty();
    }
    TokenizerFixture.write(directory, "config.json", "{\"eos_token_id\": 7, \"bos_token_id\": 3}");
    TokenizerFixture.write(
        directory, "special_tokens_map.json", "{\"eos_token\": {\"content\": \"<|end|>\"}}");
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      assertThat(tokenizer.specialTokens().eosTokenIds()).containsExactly(TokenizerFixture.END, 7);
      assertThat(tokenizer.specialTokens().bosTokenId()).hasValue(3);
    }
  }

  @Test
  void readsChatTemplatesFromAllTheirPlaces() throws IOException {
    TokenizerFixture.write(
        directory,
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"D\"},"
            + " {\"name\": \"rag\", \"template\": \"R\"}]}");
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      assertThat(tokenizer.chatTemplates())
          .isEqualTo(new ChatTemplates(Optional.of("D"), Map.of("rag", "R")));
    }
    TokenizerFixture.write(directory, "chat_template.jinja", "F\n");
    TokenizerFixture.write(directory, "additional_chat_templates/tool_use.jinja", "T");
    try (HuggingFaceTokenizer tokenizer = fixture(root -> {})) {
      assertThat(tokenizer.chatTemplates())
          .isEqualTo(new ChatTemplates(Optional.of("F\n"), Map.of("rag", "R", "tool_use", "T")));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tokenizer_config.json  | [1]                          | tokenizer_config.json: content",
        "tokenizer_config.json  | {\"bos_token\": 4}           | tokenizer_config.json: bos_token: 4",
        "tokenizer_config.json  | {\"chat_template\": [7]}     | tokenizer_config.json: chat_template: 7",
        "tokenizer_config.json  | {\"chat_template\": {}}      | tokenizer_config.json: chat_template: {}",
        "generation_config.json | {\"eos_token_id\": \"2\"}    | generation_config.json: eos_token_id",
        "generation_config.json | {\"eos_token_id\": [2, -4]}  | generation_config.json: eos_token_id",
        "config.json            | {\"eos_token_id\": 2.5}      | config.json: eos_token_id: 2.5",
        "config.json            | {\"eos_token_id\": 99999999999} | config.json: eos_token_id",
        "config.json            | {\"eos                       | config.json: not JSON",
        "tokenizer.json         | {}                           | tokenizer.json: model.vocab",
        "tokenizer.json         | {\"model\":{\"vocab\":{\"a\":-1}}} | tokenizer.json: model.vocab: -1",
        "tokenizer.json         | {\"model\":{\"vocab\":{\"a\":2000000000}}} | tokenizer.json: model.vocab: 2000000000",
        "tokenizer.json         | {\"model\":{\"vocab\":{\"a\":0}},\"added_tokens\":[{}]} | tokenizer.json: added_tokens",
        "tokenizer.json         | {\"model\":{\"vocab\":{\"a\":0}}} | tokenizer.json: ",
      })
  void namesTheFileAndTheFieldThatIsWrong(String file, String content, String message)
      throws IOException {
    TokenizerFixture.write(directory, TokenizerFixture.tokenizer());
    TokenizerFixture.write(directory, file, content);
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(message.isEmpty() ? file : message);
  }

  @Test
  void refusesAPostProcessorWithUnknownTokens() throws IOException {
    for (String listed :
        new String[] {
          "{}",
          "{\"<s>\": {\"id\": \"<s>\", \"ids\": [4294967295], \"tokens\": [\"<s>\"]}}",
          "{\"<s>\": {\"id\": \"<s>\", \"ids\": [9999], \"tokens\": [\"<s>\"]}}"
        }) {
      JsonNode post = JsonMapper.shared().readTree(beginsWithS(listed));
      assertThatThrownBy(() -> fixture(root -> root.set("post_processor", post)))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("tokenizer.json: post_processor");
    }
  }

  @Test
  void refusesDeepNestingAndAMissingFile() throws IOException {
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("tokenizer.json: not in ");
    TokenizerFixture.write(directory, "tokenizer.json", "[".repeat(100_000));
    assertThatThrownBy(() -> HuggingFaceTokenizer.load(directory))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("tokenizer.json: not JSON");
  }

  static HuggingFaceTokenizer shared(String folder) throws IOException {
    return HuggingFaceTokenizer.load(SharedFiles.require(folder));
  }

  private HuggingFaceTokenizer fixture(Consumer<ObjectNode> change) throws IOException {
    ObjectNode root = TokenizerFixture.tokenizer();
    change.accept(root);
    return HuggingFaceTokenizer.load(TokenizerFixture.write(directory, root));
  }

  private static String beginsWithS(String specialTokens) {
    return "{\"type\": \"TemplateProcessing\", \"pair\": [], \"single\":"
        + " [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}},"
        + " {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"special_tokens\": "
        + specialTokens
        + "}";
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
