package dev.openlora.server.demo;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A byte-level BPE tokenizer of any vocabulary size, made without a corpus: the 256 bytes, the chat
 * markers, and syllables merged from letters (ba, bal, bala, …), so that what a random model writes
 * can be read aloud. Any text makes the round trip. Immutable.
 */
final class SyllableTokenizer {
  static final String BEGIN = "<|begin|>";
  static final String END = "<|end|>";
  private static final List<String> ROLES =
      List.of("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>");
  private static final String CONSONANTS = "tnsrhldcmfpgwbvkjz";
  private static final String VOWELS = "aeiou";
  private static final String SPACE = "\u0120"; // how byte-level BPE writes a blank

  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final Map<String, Integer> specials = new LinkedHashMap<>();
  private final List<String> merges = new ArrayList<>();
  private final Set<String> known = new LinkedHashSet<>();
  private final String begin;
  private final String end;

  /** Exactly {@code size} ids; the specials lie where the model's config wants them. */
  SyllableTokenizer(int size, int beginId, List<Integer> endIds) {
    Map<Integer, String> placed = new LinkedHashMap<>();
    for (int i = 0; i < endIds.size(); i++) {
      placed.put(endIds.get(i), i == 0 ? END : "<|end" + (i + 1) + "|>");
    }
    placed.putIfAbsent(beginId, BEGIN);
    begin = placed.getOrDefault(beginId, BEGIN);
    end = endIds.isEmpty() ? begin : placed.getOrDefault(endIds.getFirst(), END);
    int smallest = 256 + placed.size() + ROLES.size();
    if (size < smallest || placed.keySet().stream().anyMatch(id -> id < 0 || id >= size)) {
      throw new IllegalArgumentException(
          "vocab_size: "
              + size
              + " with special ids "
              + placed.keySet()
              + " (expected: at least "
              + smallest
              + ", special ids below it)");
    }
    List<String> tokens = tokens(size - placed.size() - ROLES.size());
    int next = 0;
    int role = 0;
    for (int id = 0; id < size; id++) {
      String special = placed.get(id);
      if (special == null && role < ROLES.size()) {
        special = ROLES.get(role++);
      }
      if (special != null) {
        specials.put(special, id);
        vocabulary.put(special, id);
      } else {
        vocabulary.put(tokens.get(next++), id);
      }
    }
  }

  private List<String> tokens(int count) {
    for (int b = 0; b < 256; b++) {
      known.add(String.valueOf(letterOf(b)));
    }
    List<String> open = new ArrayList<>();
    for (int c = 0; c < CONSONANTS.length(); c++) {
      for (int v = 0; v < VOWELS.length(); v++) {
        merge(count, CONSONANTS.substring(c, c + 1), VOWELS.substring(v, v + 1), open);
      }
    }
    List<String> begun = new ArrayList<>();
    for (String syllable : open) {
      merge(count, SPACE, syllable, begun);
    }
    // Each round makes the tokens of the round before longer: bal, bala, balam, …
    List<String> longest = new ArrayList<>(begun);
    longest.addAll(open);
    while (known.size() < count) {
      List<String> longer = new ArrayList<>();
      for (String token : longest) {
        boolean closed = VOWELS.indexOf(token.charAt(token.length() - 1)) < 0;
        if (closed) {
          for (String syllable : open) {
            merge(count, token, syllable, longer);
          }
        } else {
          for (int c = 0; c < CONSONANTS.length(); c++) {
            merge(count, token, CONSONANTS.substring(c, c + 1), longer);
          }
        }
      }
      longest = longer;
    }
    return new ArrayList<>(known).subList(0, count);
  }

  private void merge(int count, String left, String right, List<String> made) {
    if (known.size() < count && known.add(left + right)) {
      merges.add(left + " " + right);
      made.add(left + right);
    }
  }

  /** The character that byte-level BPE writes for a byte: itself when it is printable. */
  private static char letterOf(int b) {
    if (isPrintable(b)) {
      return (char) b;
    }
    int before = 0;
    for (int i = 0; i < b; i++) {
      before += isPrintable(i) ? 0 : 1;
    }
    return (char) (256 + before);
  }

  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  }

  /** tokenizer.json. */
  byte[] tokenizerJson() {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ArrayNode added = root.putArray("added_tokens");
    specials.forEach((content, id) ->
        added
            .addObject()
            .put("id", id)
            .put("content", content)
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", true));
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"));
    ObjectNode post = root.putObject("post_processor").put("type", "TemplateProcessing");
    sequence(special(post.putArray("single")), "A", 0);
    sequence(sequence(special(post.putArray("pair")), "A", 0), "B", 1);
    ObjectNode beginToken = post.putObject("special_tokens").putObject(begin).put("id", begin);
    beginToken.putArray("ids").add(specials.get(begin));
    beginToken.putArray("tokens").add(begin);
    byteLevel(root.putObject("decoder"));
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.putNull("dropout");
    model.putNull("unk_token");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false);
    ObjectNode ids = model.putObject("vocab");
    vocabulary.forEach(ids::put);
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(pairs::add);
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private ArrayNode special(ArrayNode pieces) {
    pieces.addObject().putObject("SpecialToken").put("id", begin).put("type_id", 0);
    return pieces;
  }

  private static ArrayNode sequence(ArrayNode pieces, String name, int typeId) {
    pieces.addObject().putObject("Sequence").put("id", name).put("type_id", typeId);
    return pieces;
  }

  private static void byteLevel(ObjectNode step) {
    step.put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }

  /** tokenizer_config.json, with a chat template of one marker per message. */
  byte[] tokenizerConfig(int maxLength) {
    return JsonMapper.shared()
        .createObjectNode()
        .put("tokenizer_class", "PreTrainedTokenizerFast")
        .put("bos_token", begin)
        .put("eos_token", end)
        .put("clean_up_tokenization_spaces", false)
        .put("model_max_length", maxLength)
        .put(
            "chat_template",
            "{{ bos_token }}{% for message in messages %}"
                + "{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}"
                + "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
        .toPrettyString()
        .getBytes(StandardCharsets.UTF_8);
  }
}
