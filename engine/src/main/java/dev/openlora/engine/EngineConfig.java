package dev.openlora.engine;

/**
 * How much an engine may hold and run.
 *
 * @param maxModelLength longest prompt plus answer; 0 takes the model's own
 * @param batchTokens rows of one step
 * @param sequences running at once
 * @param waiting taken but not running yet; one more is OVERLOADED
 * @param kvBytes memory for keys and values, in bytes
 * @param pageSize positions of a KV page
 * @param logitsRows rows whose logits are computed at once; bounds memory when prompts are scored
 */
public record EngineConfig(
    int maxModelLength,
    int batchTokens,
    int sequences,
    int waiting,
    long kvBytes,
    int pageSize,
    boolean prefixCache,
    int logitsRows) {
  public static final EngineConfig DEFAULT =
      new EngineConfig(0, 512, 64, 1024, 1L << 30, 16, true, 64);

  public EngineConfig {
    atLeast("max-model-len", maxModelLength, 0);
    atLeast("max-batch-tokens", batchTokens, 1);
    atLeast("max-num-seqs", sequences, 1);
    atLeast("max-waiting", waiting, 1);
    atLeast("kv-bytes", kvBytes, 1);
    atLeast("page-size", pageSize, 1);
    atLeast("logits-rows", logitsRows, 1);
  }

  private static void atLeast(String key, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(
          key + ": " + value + " (expected: at least " + least + ")");
    }
  }
}
