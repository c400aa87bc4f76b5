package dev.openlora.engine.text.bpe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a {@link BpeTrainer} learned. Ids: the special tokens in their order, the 256 bytes, then
 * what the merges make, in their order; a merge whose letters are a token already adds none.
 * Immutable.
 */
public final class BpeVocabulary {
  private final List<String> specialTokens;
  private final List<BpeMerge> merges;
  private final Map<String, Integer> ids = new LinkedHashMap<>(); // letters to id, specials too
  private final List<String> letters = new ArrayList<>();

  /** Refuses a merge of ids that do not exist yet. */
  public BpeVocabulary(List<String> specialTokens, List<BpeMerge> merges) {
    this.specialTokens = List.copyOf(specialTokens);
    this.merges = List.copyOf(merges);
    for (String token : this.specialTokens) {
      if (token.length() < 2 || ids.containsKey(token)) {
        throw new IllegalArgumentException(
            "specialTokens: '" + token + "' (expected: different tokens of 2 characters or more)");
      }
      name(token);
    }
    for (int b = 0; b < ByteAlphabet.SIZE; b++) {
      name(String.valueOf(ByteAlphabet.letter(b)));
    }
    for (BpeMerge merge : this.merges) {
      name(letters(merge.left()) + letters(merge.right()));
    }
  }

  private void name(String token) {
    if (ids.putIfAbsent(token, letters.size()) == null) {
      letters.add(token);
    }
  }

  private String letters(int id) {
    if (id < specialTokens.size() || id >= letters.size()) {
      throw new IllegalArgumentException(
          "merges: id "
              + id
              + " (expected: "
              + specialTokens.size()
              + " to "
              + (letters.size() - 1)
              + ")");
    }
    return letters.get(id);
  }

  public int size() {
    return letters.size();
  }

  public List<String> specialTokens() {
    return specialTokens;
  }

  public List<BpeMerge> merges() {
    return merges;
  }

  /** The id of a special token. */
  public int specialId(String token) {
    int id = specialTokens.indexOf(token);
    if (id < 0) {
      throw new IllegalArgumentException(
          "token: '" + token + "' (expected: one of " + specialTokens + ")");
    }
    return id;
  }

  int byteId(int b) {
    return specialTokens.size() + (b & 0xFF);
  }

  /** The content of {@code tokenizer.json}, UTF-8; the same vocabulary gives the same bytes. */
  public byte[] tokenizerJson() {
    ObjectNode root = JsonMapper.shared().createObjectNode().put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    for (int id = 0; id < specialTokens.size(); id++) {
      ObjectNode token = added.addObject().put("id", id).put("content", specialTokens.get(id));
      for (String flag : Arrays.asList("single_word", "lstrip", "rstrip", "normalized")) {
        token.put(flag, false);
      }
      token.put("special", true);
    }
    root.putNull("normalizer");
    ObjectNode sequence = root.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = sequence.putArray("pretokenizers");
    ObjectNode split = steps.addObject().put("type", "Split");
    split.putObject("pattern").put("Regex", WordSplit.PATTERN);
    split.put("behavior", "Isolated").put("invert", false);
    byteLevel(steps.addObject());
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model").put("type", "BPE");
    for (String none :
        Arrays.asList("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
      model.putNull(none);
    }
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode vocab = model.putObject("vocab");
    ids.forEach(vocab::put);
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(
        merge -> pairs.add(letters.get(merge.left()) + " " + letters.get(merge.right())));
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void byteLevel(ObjectNode step) {
    step.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", false);
  }
}
