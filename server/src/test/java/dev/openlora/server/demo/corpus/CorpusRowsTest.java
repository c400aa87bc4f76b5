package dev.openlora.server.demo.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.text.bpe.BpeTrainer;
import dev.openlora.engine.text.bpe.BpeVocabulary;
import dev.openlora.engine.text.bpe.ChatTokenizer;
import dev.openlora.server.demo.corpus.Contributors.Contributor;
import dev.openlora.server.template.ChatTemplate;
import dev.openlora.server.template.TemplateInput;
import dev.openlora.server.template.TemplateLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The rows of the Datanets, who gave them, and a tokenizer trained on the text. */
class CorpusRowsTest {
  @TempDir private Path directory;

  @Test
  void writesChatRowsOfWhichNoneIsHeldOutAndTrainedOn() throws IOException {
    for (Domain domain : Domains.ADAPTERS) {
      List<String> train = written(domain, "train", "heldout", 400, 60).subList(0, 400);
      List<String> heldOut = Files.readAllLines(directory.resolve("heldout"));
      Set<String> texts = new HashSet<>();
      Set<String> addresses = new HashSet<>();
      for (String line : train) {
        JsonNode row = JsonMapper.shared().readTree(line);
        assertThat(row.at("/messages/0/role").asString()).isEqualTo("user");
        assertThat(row.at("/messages/1/role").asString()).isEqualTo("assistant");
        assertThat(row.at("/licence").asString()).isEqualTo("CC-BY-4.0");
        assertThat(texts.add(row.get("messages").toString())).isTrue();
        addresses.add(row.get("contributor").asString());
      }
      assertThat(addresses)
          .isEqualTo(
              new HashSet<>(Contributors.of(domain).stream().map(Contributor::address).toList()));
      assertThat(heldOut).hasSize(60);
      for (String line : heldOut) {
        assertThat(texts.add(JsonMapper.shared().readTree(line).get("messages").toString()))
            .isTrue();
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameFiles() throws IOException {
    Domain domain = Domains.of("haiku");
    assertThat(written(domain, "a", "b", 50, 10)).isEqualTo(written(domain, "c", "d", 50, 10));
    assertThat(directory.resolve("d")).hasSameBinaryContentAs(directory.resolve("b"));
  }

  @Test
  void manyPeopleGaveTheRows() {
    Set<String> all = new HashSet<>();
    Set<Contributor> several = new HashSet<>();
    Set<Contributor> seen = new HashSet<>();
    for (Domain domain : Domains.ADAPTERS) {
      List<Contributor> people = Contributors.of(domain);
      assertThat(people).hasSizeGreaterThanOrEqualTo(3).doesNotHaveDuplicates();
      for (Contributor person : people) {
        assertThat(person.address()).matches("0x[0-9a-f]{40}");
        all.add(person.address());
        if (!seen.add(person)) {
          several.add(person);
        }
      }
    }
    assertThat(all).hasSizeGreaterThanOrEqualTo(24).hasSize(Contributors.ALL.size());
    assertThat(several).isNotEmpty().isNotEqualTo(seen);
    assertThat(Contributors.address("mei")).isNotEqualTo(Contributors.address("piet"));
  }

  @Test
  void refusesADomainWithoutContributorsAndNoRows() {
    assertThatThrownBy(() -> new CorpusRows(Domains.of("sums"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("domain: 'sums' (expected: one of [pirate, ");
    CorpusRows rows = new CorpusRows(Domains.of("noir"), 1);
    assertThatThrownBy(() -> rows.write(directory.resolve("x"), 0))
        .hasMessage("rows: 0 (expected: 1 to 1000000)");
  }

  @Test
  void aTokenizerLearnsTheTextAndRendersAChat() throws IOException {
    BpeTrainer trainer = new BpeTrainer(ChatTokenizer.SPECIAL_TOKENS);
    Corpus corpus = Corpus.base(1);
    for (int i = 0; i < 4000; i++) {
      Passage passage = corpus.next();
      trainer.add(passage.prompt());
      trainer.add(passage.answer());
    }
    BpeVocabulary vocabulary = trainer.train(2048);
    ChatTokenizer.write(directory, vocabulary, 512);
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(directory)) {
      assertThat(tokenizer.size()).isEqualTo(2048);
      ChatTemplate template =
          ChatTemplate.compile(
              tokenizer.chatTemplates().source().orElseThrow(), TemplateLimits.DEFAULT);
      List<Map<String, String>> messages =
          List.of(
              Map.of("role", "system", "content", "Be kind."),
              Map.of("role", "user", "content", "Hi, {you}\n"),
              Map.of("role", "assistant", "content", "Hello."));
      String system = "<|im_start|>system\nBe kind.<|im_end|>\n";
      String user = "<|im_start|>user\nHi, {you}\n<|im_end|>\n";
      assertThat(template.render(TemplateInput.of(messages)))
          .isEqualTo(system + user + "<|im_start|>assistant\nHello.<|im_end|>\n");
      TemplateInput open = TemplateInput.of(messages.subList(1, 2)).withGenerationPrompt(true);
      assertThat(template.render(open)).isEqualTo(user + "<|im_start|>assistant\n");
      long bytes = 0;
      long tokens = 0;
      for (int i = 0; i < 500; i++) {
        String answer = corpus.next().answer();
        int[] ids = tokenizer.encode(answer, true);
        assertThat(tokenizer.decode(ids, true)).isEqualTo(answer);
        assertThat(ids).hasSizeLessThan(450); // what a context of 512 leaves beside a prompt
        bytes += answer.length();
        tokens += ids.length;
      }
      assertThat((double) bytes / tokens).isGreaterThan(3.0);
    }
  }

  private List<String> written(Domain domain, String train, String heldOut, int rows, int held)
      throws IOException {
    CorpusRows corpus = new CorpusRows(domain, 5);
    corpus.write(directory.resolve(train), rows);
    corpus.write(directory.resolve(heldOut), held);
    return Files.readAllLines(directory.resolve(train));
  }
}
