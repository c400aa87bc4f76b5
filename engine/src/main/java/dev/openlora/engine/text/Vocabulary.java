package dev.openlora.engine.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What {@code tokenizer.json} says about single tokens: names, which are special, and the bytes
 * behind a name. Byte-level vocabularies (GPT-2) write each byte as one printable character;
 * SentencePiece ones write a space as ▁ and a lone byte as {@code <0xE4>}. Any thread.
 */
final class Vocabulary {
  private static final String FILE = "tokenizer.json";
  private static final int IDS_MAX = 1 << 22;
  private static final char SPACE_MARK = '\u2581';
  private static final int[] BYTE_OF_CHAR = byteOfChar();

  private final @Nullable String[] names;
  private final Map<String, Integer> ids;
  private final BitSet special = new BitSet();
  private final Pieces pieces;
  private final boolean byteFallback;
  private final boolean bytesTellText;
  private final boolean stripsFirstSpace;

  private enum Pieces {
    BYTE_LEVEL,
    SPACE_MARKED,
    OTHER
  }

  private Vocabulary(Map<String, Integer> ids, int size, JsonNode root) throws IOException {
    this.ids = ids;
    this.names = new @Nullable String[size];
    ids.forEach((name, id) -> names[id] = name);
    for (JsonNode added : root.path("added_tokens")) {
      names[added.path("id").intValue()] = added.path("content").stringValue();
      special.set(added.path("id").intValue(), added.path("special").asBoolean(false));
    }
    Decoding decoding = new Decoding();
    decoding.read(root.path("decoder"), 0);
    this.pieces = decoding.pieces();
    this.byteFallback = decoding.types.contains("ByteFallback");
    this.bytesTellText = pieces != Pieces.OTHER && decoding.known;
    this.stripsFirstSpace = decoding.strips;
  }

  static Vocabulary of(JsonNode root) throws IOException {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode model = root.path("model").path("vocab");
    int size = 0;
    if (model.isObject()) {
      for (Map.Entry<String, JsonNode> entry : model.properties()) {
        int id = id(entry.getValue(), "model.vocab");
        ids.put(entry.getKey(), id);
        size = Math.max(size, id + 1);
      }
    } else if (model.isArray() && model.size() <= IDS_MAX) {
      for (JsonNode entry : model) {
        if (!entry.path(0).isString()) {
          throw ModelJson.wrong(FILE, "model.vocab", entry, "a token with its score");
        }
        ids.put(entry.path(0).stringValue(), size++);
      }
    } else {
      throw ModelJson.wrong(FILE, "model.vocab", model, "tokens with their ids or scores");
    }
    for (JsonNode added : root.path("added_tokens")) {
      if (!added.path("content").isString()) {
        throw ModelJson.wrong(FILE, "added_tokens", added, "an id and a content");
      }
      int id = id(added.path("id"), "added_tokens");
      ids.put(added.path("content").stringValue(), id);
      size = Math.max(size, id + 1);
    }
    return new Vocabulary(ids, size, root);
  }

  private static int id(JsonNode node, String field) throws IOException {
    if (!node.isInt() || node.intValue() < 0 || node.intValue() >= IDS_MAX) {
      throw ModelJson.wrong(FILE, field, node, "an id from 0 to " + (IDS_MAX - 1));
    }
    return node.intValue();
  }

  int size() {
    return names.length;
  }

  boolean contains(int tokenId) {
    return tokenId >= 0 && tokenId < names.length && names[tokenId] != null;
  }

  String name(int tokenId) {
    String name = tokenId >= 0 && tokenId < names.length ? names[tokenId] : null;
    return name == null ? "" : name;
  }

  OptionalInt id(String name) {
    Integer id = ids.get(name);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  boolean isSpecial(int tokenId) {
    return tokenId >= 0 && special.get(tokenId);
  }

  /** Whether the bytes of the tokens, one after another, are the UTF-8 of the text. */
  boolean bytesTellText() {
    return bytesTellText;
  }

  /** Whether one space at the very beginning of a text is not part of it. */
  boolean stripsFirstSpace() {
    return stripsFirstSpace;
  }

  byte[] bytes(int tokenId) {
    String name = name(tokenId);
    if (!isSpecial(tokenId)) {
      if (pieces == Pieces.BYTE_LEVEL) {
        return byteLevel(name);
      }
      if (byteFallback && name.length() == 6 && name.startsWith("<0x") && name.endsWith(">")) {
        int high = Character.digit(name.charAt(3), 16);
        int low = Character.digit(name.charAt(4), 16);
        if (high >= 0 && low >= 0) {
          return new byte[] {(byte) (high << 4 | low)};
        }
      }
      if (pieces == Pieces.SPACE_MARKED) {
        name = name.replace(SPACE_MARK, ' ');
      }
    }
    return name.getBytes(StandardCharsets.UTF_8);
  }

  /** A name with a character outside of the alphabet (an added token) stands for itself. */
  private static byte[] byteLevel(String name) {
    byte[] bytes = new byte[name.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = name.charAt(i);
      if (c >= BYTE_OF_CHAR.length || BYTE_OF_CHAR[c] < 0) {
        return name.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) BYTE_OF_CHAR[c];
    }
    return bytes;
  }

  /** Printable Latin-1 stands for its own byte; the other 68 bytes are U+0100 and on. */
  private static int[] byteOfChar() {
    int[] table = new int[256 + 68];
    Arrays.fill(table, -1);
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      table[printable ? b : next++] = b;
    }
    return table;
  }

  /** The decoder of the file: which steps it has, and whether they are no more than bytes. */
  private static final class Decoding {
    private static final int DEPTH_MAX = 8;
    private final Set<String> types = new HashSet<>();
    private boolean known = true;
    private boolean marksSpaces;
    private boolean strips;

    private void read(JsonNode node, int depth) throws IOException {
      if (depth > DEPTH_MAX) {
        throw ModelJson.wrong(FILE, "decoder", node, "nesting of at most " + DEPTH_MAX);
      }
      String type = node.path("type").asString("");
      types.add(type);
      switch (type) {
        case "Sequence" -> {
          for (JsonNode step : node.path("decoders")) {
            read(step, depth + 1);
          }
        }
        case "Replace" -> {
          boolean spaces =
              node.path("pattern").path("String").asString("").equals(SPACE_MARK + "")
                  && node.path("content").asString("").equals(" ");
          marksSpaces |= spaces;
          known &= spaces;
        }
        case "Strip" -> {
          strips = true;
          known &=
              node.path("content").asString("").equals(" ")
                  && node.path("start").asInt(0) == 1
                  && node.path("stop").asInt(0) == 0;
        }
        case "ByteLevel", "ByteFallback", "Fuse" -> {}
        default -> {
          marksSpaces |= type.equals("Metaspace");
          known = false;
        }
      }
    }

    private Pieces pieces() {
      if (types.contains("ByteLevel")) {
        return Pieces.BYTE_LEVEL;
      }
      return marksSpaces ? Pieces.SPACE_MARKED : Pieces.OTHER;
    }
  }
}
