package dev.openlora.engine.text.bpe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;

/**
 * The markers of a chat, and the tokenizer files of a model that chats with them. A message is
 * {@code <|im_start|>ROLE\nTEXT<|im_end|>\n}; a system message is one like the others, or none.
 */
public final class ChatTokenizer {
  /** Begins every text, and stands between texts. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  public static final String MESSAGE_START = "<|im_start|>";
  public static final String MESSAGE_END = "<|im_end|>";
  public static final String PAD = "<|pad|>";

  /** In the order of their ids, from 0. */
  public static final List<String> SPECIAL_TOKENS =
      List.of(END_OF_TEXT, MESSAGE_START, MESSAGE_END, PAD);

  /** Jinja, as transformers reads it. */
  public static final String TEMPLATE =
      "{% for message in messages %}"
          + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content']"
          + " + '<|im_end|>' + '\\n' }}"
          + "{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

  private ChatTokenizer() {}

  /**
   * Writes {@code tokenizer.json} and {@code tokenizer_config.json}.
   *
   * @param contextTokens what the model can attend to
   */
  public static void write(Path directory, BpeVocabulary vocabulary, int contextTokens)
      throws IOException {
    byte[] config = tokenizerConfig(vocabulary, contextTokens);
    Files.createDirectories(directory);
    Files.write(directory.resolve("tokenizer.json"), vocabulary.tokenizerJson());
    Files.write(directory.resolve("tokenizer_config.json"), config);
  }

  static byte[] tokenizerConfig(BpeVocabulary vocabulary, int contextTokens) {
    SPECIAL_TOKENS.forEach(vocabulary::specialId);
    if (contextTokens < 1) {
      throw new IllegalArgumentException(
          "contextTokens: " + contextTokens + " (expected: at least 1)");
    }
    return JsonMapper.shared()
        .createObjectNode()
        .put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("bos_token", END_OF_TEXT)
        .put("eos_token", MESSAGE_END)
        .put("pad_token", PAD)
        .put("add_bos_token", false)
        .put("clean_up_tokenization_spaces", false)
        .put("model_max_length", contextTokens)
        .put("chat_template", TEMPLATE)
        .toPrettyString()
        .getBytes(StandardCharsets.UTF_8);
  }
}
