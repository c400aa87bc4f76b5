package dev.openlora.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A byte-level tokenizer for models of {@link TinyModels}: ids 0 to 255 are the bytes, then come
 * begin, end and pad, then pairs of letters as far as the vocabulary goes. Any text has a round
 * trip.
 */
final class TinyTokenizer {
  static final int BEGIN = 256;
  static final int END = 257;
  static final int PAD = 258;
  static final int FIXED_TOKENS = 259;

  private static final String LETTERS = "etaoinshrdlu";

  private TinyTokenizer() {}

  static void write(Path folder, int vocabularySize) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer(vocabularySize).toString());
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast").put("bos_token", "<begin>");
    config.put("eos_token", "<end>").put("pad_token", "<pad>");
    config.put(
        "chat_template",
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}");
    Files.writeString(folder.resolve("tokenizer_config.json"), config.toString());
    ObjectNode generation = JsonMapper.shared().createObjectNode();
    generation.put("bos_token_id", BEGIN).put("eos_token_id", END).put("pad_token_id", PAD);
    Files.writeString(folder.resolve("generation_config.json"), generation.toString());
  }

  private static ObjectNode tokenizer(int vocabularySize) {
    ObjectNode root = JsonMapper.shared().createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    special(added, BEGIN, "<begin>");
    special(added, END, "<end>");
    special(added, PAD, "<pad>");
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"));
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout");
    model.putNull("unk_token").put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode vocabulary = model.putObject("vocab");
    List<String> alphabet = alphabet();
    for (int b = 0; b < 256; b++) {
      vocabulary.put(alphabet.get(b), b);
    }
    ArrayNode merges = model.putArray("merges");
    int id = FIXED_TOKENS;
    for (char first : LETTERS.toCharArray()) {
      for (char second : LETTERS.toCharArray()) {
        if (id < vocabularySize) {
          vocabulary.put("" + first + second, id++);
          merges.add(first + " " + second);
        }
      }
    }
    return root;
  }

  private static void special(ArrayNode added, int id, String content) {
    ObjectNode token = added.addObject().put("id", id).put("content", content);
    token.put("single_word", false).put("lstrip", false).put("rstrip", false);
    token.put("normalized", false).put("special", true);
  }

  private static void byteLevel(ObjectNode node) {
    node.put("type", "ByteLevel").put("add_prefix_space", false);
    node.put("trim_offsets", true).put("use_regex", true);
  }

  /** The letters that byte-level BPE writes for bytes: printable ones stand for themselves. */
  private static List<String> alphabet() {
    List<String> alphabet = new ArrayList<>();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b > ' ' && b <= '~') || (b > 0xA0 && b != 0xAD);
      alphabet.add(Character.toString(printable ? b : next++));
    }
    return alphabet;
  }
}
