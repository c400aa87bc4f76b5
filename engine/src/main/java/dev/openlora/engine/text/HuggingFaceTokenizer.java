package dev.openlora.engine.text;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import tools.jackson.databind.JsonNode;

/**
 * The tokenizer of a {@code tokenizer.json}, on Hugging Face's own library through DJL. Truncation
 * and padding, which the file may ask for and DJL asks for by itself, are off: a prompt of any
 * length keeps all its tokens.
 *
 * <p>Special tokens are what the file's post-processor adds; {@code add_bos_token} in {@code
 * tokenizer_config.json} adds the BOS that the post-processor lacks, and {@code false} there
 * removes it for Llama and Gemma, as transformers does.
 *
 * <p>Half a surrogate pair in a text, which has no UTF-8, counts as U+FFFD. Ids that the vocabulary
 * lacks (a model may have more rows than its tokenizer has tokens) decode to nothing.
 *
 * <p>The library is native: a file made to break it (a damaged {@code precompiled_charsmap}, say)
 * ends the process while it loads, so the files of a base model must be trusted. Any thread.
 */
public final class HuggingFaceTokenizer implements Tokenizer {
  private static final long TOKENIZER_BYTES_MAX = 256L << 20;
  private static final long CONFIG_BYTES_MAX = 16L << 20;
  private static final int PROCESSORS_DEPTH_MAX = 8;

  static {
    System.setProperty("ai.djl.offline", "true");
  }

  private enum Bos {
    AS_POST_PROCESSOR,
    ADD,
    REMOVE
  }

  private final ai.djl.huggingface.tokenizers.HuggingFaceTokenizer library;
  private final ReentrantReadWriteLock closing = new ReentrantReadWriteLock();
  private final Vocabulary vocabulary;
  private final SpecialTokens specialTokens;
  private final ChatTemplates chatTemplates;
  private final Bos bos;
  private boolean closed; // guarded by closing

  private HuggingFaceTokenizer(Path directory, byte[] file, JsonNode root, JsonNode config)
      throws IOException {
    this.vocabulary = Vocabulary.of(root);
    this.specialTokens = SpecialTokens.read(directory, config, vocabulary);
    this.chatTemplates = ChatTemplates.read(directory, config);
    refuseUnknownPieces(root.path("post_processor"), 0);
    this.library = library(file);
    try {
      this.bos = bos(config);
    } catch (IOException e) {
      library.close();
      throw e;
    }
  }

  /**
   * Reads {@code tokenizer.json} and what lies beside it.
   *
   * @throws IOException naming the file and the field that is missing or wrong
   */
  public static HuggingFaceTokenizer load(Path directory) throws IOException {
    byte[] file = ModelJson.bytes(directory, "tokenizer.json", TOKENIZER_BYTES_MAX);
    if (file == null) {
      throw new IOException("tokenizer.json: not in " + directory);
    }
    return new HuggingFaceTokenizer(
        directory,
        file,
        ModelJson.object(file, "tokenizer.json"),
        ModelJson.object(directory, "tokenizer_config.json", CONFIG_BYTES_MAX));
  }

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    int[] ids = ids(WellFormed.of(text), addSpecialTokens && bos != Bos.REMOVE);
    if (!addSpecialTokens || bos != Bos.ADD) {
      return ids;
    }
    int[] begun = new int[ids.length + 1];
    begun[0] = specialTokens.bosTokenId().orElseThrow();
    System.arraycopy(ids, 0, begun, 1, ids.length);
    return begun;
  }

  @Override
  public String decode(int[] tokenIds, boolean skipSpecialTokens) {
    long[] known = Arrays.stream(tokenIds).filter(vocabulary::contains).asLongStream().toArray();
    if (known.length == 0) {
      return "";
    }
    closing.readLock().lock();
    try {
      refuseClosed();
      return library.decode(known, skipSpecialTokens);
    } finally {
      closing.readLock().unlock();
    }
  }

  @Override
  public byte[] tokenBytes(int tokenId) {
    return vocabulary.bytes(tokenId);
  }

  @Override
  public String tokenName(int tokenId) {
    return vocabulary.name(tokenId);
  }

  @Override
  public boolean isSpecial(int tokenId) {
    return vocabulary.isSpecial(tokenId);
  }

  @Override
  public int size() {
    return vocabulary.size();
  }

  @Override
  public IncrementalDecoder newDecoder(int[] promptIds, boolean skipSpecialTokens) {
    return vocabulary.bytesTellText()
        ? new ByteDecoder(vocabulary, promptIds, skipSpecialTokens)
        : new WindowDecoder(this, promptIds, skipSpecialTokens);
  }

  public SpecialTokens specialTokens() {
    return specialTokens;
  }

  public ChatTemplates chatTemplates() {
    return chatTemplates;
  }

  /** The id of a token by its name in the vocabulary, special ones included. */
  public OptionalInt tokenId(String name) {
    return vocabulary.id(name);
  }

  @Override
  public void close() {
    closing.writeLock().lock();
    try {
      closed = true;
      library.close();
    } finally {
      closing.writeLock().unlock();
    }
  }

  private static ai.djl.huggingface.tokenizers.HuggingFaceTokenizer library(byte[] file)
      throws IOException {
    Map<String, String> options = Map.of("truncation", "false", "padding", "false");
    try {
      return ai.djl.huggingface.tokenizers.HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(file), options);
    } catch (RuntimeException e) {
      throw new IOException("tokenizer.json: " + e.getMessage(), e);
    }
  }

  /** A template with a token that it does not list would end the process in the library. */
  private static void refuseUnknownPieces(JsonNode processor, int depth) throws IOException {
    if (depth > PROCESSORS_DEPTH_MAX) {
      throw ModelJson.wrong(
          "tokenizer.json", "post_processor", processor, "nesting of " + PROCESSORS_DEPTH_MAX);
    }
    for (JsonNode step : processor.path("processors")) {
      refuseUnknownPieces(step, depth + 1);
    }
    JsonNode known = processor.path("special_tokens");
    for (String template : new String[] {"single", "pair"}) {
      for (JsonNode piece : processor.path(template)) {
        JsonNode id = piece.path("SpecialToken").path("id");
        if (id.isString() && !known.has(id.stringValue())) {
          throw ModelJson.wrong(
              "tokenizer.json", "post_processor." + template, id, "one of its special_tokens");
        }
      }
    }
  }

  private Bos bos(JsonNode config) throws IOException {
    int[] probe = probe();
    JsonNode asked = config.path("add_bos_token");
    OptionalInt id = specialTokens.bosTokenId();
    if (!asked.isBoolean() || id.isEmpty()) {
      return Bos.AS_POST_PROCESSOR;
    }
    boolean added = probe.length > 0 && probe[0] == id.getAsInt();
    if (asked.booleanValue()) {
      return added ? Bos.AS_POST_PROCESSOR : Bos.ADD;
    }
    String family = config.path("tokenizer_class").asString("");
    boolean rebuilt = family.contains("Llama") || family.contains("Gemma");
    return added && rebuilt ? Bos.REMOVE : Bos.AS_POST_PROCESSOR;
  }

  /** What surrounds every text, and whether its ids are tokens at all. */
  private int[] probe() throws IOException {
    try {
      int[] probe = ids("", true);
      for (int id : probe) {
        if (!vocabulary.contains(id)) {
          throw new IOException(
              "tokenizer.json: post_processor: token " + id + " (expected: one of the vocabulary)");
        }
      }
      return probe;
    } catch (RuntimeException e) {
      throw new IOException("tokenizer.json: post_processor: " + e.getMessage(), e);
    }
  }

  private int[] ids(String text, boolean addSpecialTokens) {
    closing.readLock().lock();
    try {
      refuseClosed();
      long[] ids = library.encode(text, addSpecialTokens, false).getIds();
      return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    } finally {
      closing.readLock().unlock();
    }
  }

  private void refuseClosed() {
    if (closed) {
      throw new IllegalStateException("tokenizer: closed");
    }
  }
}
