package dev.openlora.engine.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A byte-level tokenizer of 256 bytes, five merges and three added tokens, written as files. */
final class TokenizerFixture {
  static final int SIZE = 264;
  static final int BEGIN = 261;
  static final int END = 262;
  static final int PLAIN_ADDED = 263;

  private static final JsonMapper MAPPER = JsonMapper.shared();

  private TokenizerFixture() {}

  static ObjectNode tokenizer() {
    ObjectNode root = MAPPER.createObjectNode().put("version", "1.0");
    root.putObject("truncation")
        .put("direction", "Right")
        .put("max_length", 4)
        .put("strategy", "LongestFirst")
        .put("stride", 0);
    ObjectNode padding = root.putObject("padding");
    padding.putObject("strategy").put("Fixed", 32);
    padding.put("direction", "Right").putNull("pad_to_multiple_of");
    padding.put("pad_id", 0).put("pad_type_id", 0).put("pad_token", "!");
    ArrayNode added = root.putArray("added_tokens");
    addToken(added, BEGIN, "<|begin|>", true);
    addToken(added, END, "<|end|>", true);
    addToken(added, PLAIN_ADDED, "two words", false);
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
    String[][] pairs = {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"}};
    for (int i = 0; i < pairs.length; i++) {
      vocabulary.put(pairs[i][0] + pairs[i][1], 256 + i);
      merges.add(pairs[i][0] + " " + pairs[i][1]);
    }
    return root;
  }

  static Path write(Path directory, ObjectNode tokenizer) throws IOException {
    write(directory, "tokenizer.json", tokenizer.toString());
    return directory;
  }

  static void write(Path directory, String name, String content) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, content.getBytes(StandardCharsets.UTF_8));
  }

  private static void addToken(ArrayNode added, int id, String content, boolean special) {
    ObjectNode token = added.addObject().put("id", id).put("content", content);
    token.put("single_word", false).put("lstrip", false).put("rstrip", false);
    token.put("normalized", false).put("special", special);
  }

  private static void byteLevel(ObjectNode node) {
    node.put("type", "ByteLevel").put("add_prefix_space", false);
    node.put("trim_offsets", true).put("use_regex", true);
  }

  private static List<String> alphabet() {
    List<String> alphabet = new ArrayList<>();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
      alphabet.add(Character.toString(printable ? b : next++));
    }
    return alphabet;
  }
}
