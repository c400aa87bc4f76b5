package dev.openlora.engine.model;

/**
 * What a decoder of the Llama kind looks like, whichever family wrote it down.
 *
 * @param windows per layer, the last positions that attention sees; 0 for all
 * @param qkNorm whether queries and keys are normalised per head (Qwen3)
 */
public record Architecture(
    String family,
    int layers,
    int hiddenSize,
    int intermediateSize,
    int heads,
    int kvHeads,
    int headSize,
    int vocabularySize,
    int maxPositions,
    float rmsNormEpsilon,
    boolean tiedEmbeddings,
    boolean qkvBias,
    boolean outputBias,
    boolean mlpBias,
    boolean qkNorm,
    int[] windows,
    RopeSettings rope) {
  public Architecture {
    positive("num_hidden_layers", layers);
    positive("hidden_size", hiddenSize);
    positive("intermediate_size", intermediateSize);
    positive("num_attention_heads", heads);
    positive("num_key_value_heads", kvHeads);
    positive("head_dim", headSize);
    positive("vocab_size", vocabularySize);
    positive("max_position_embeddings", maxPositions);
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "num_key_value_heads: "
              + kvHeads
              + " (expected: a divisor of num_attention_heads "
              + heads
              + ")");
    }
    if (headSize % 2 != 0) {
      throw new IllegalArgumentException("head_dim: " + headSize + " (expected: even)");
    }
  }

  private static void positive(String key, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: at least 1)");
    }
  }

  public int queryWidth() {
    return heads * headSize;
  }

  public int kvWidth() {
    return kvHeads * headSize;
  }
}
