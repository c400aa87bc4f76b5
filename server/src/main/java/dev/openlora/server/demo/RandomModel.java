package dev.openlora.server.demo;

import dev.openlora.kernels.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a Hugging Face folder whose weights are random numbers, for speed tests, tests and the
 * demonstration: it has a real model's shape and cost, and nothing to say. The same seed gives the
 * same bytes.
 */
public final class RandomModel {
  static final double LINEAR_DEVIATION = 0.02;

  private final ModelShape shape;
  private final long seed;
  private final DType dtype;

  public RandomModel(ModelShape shape, long seed, DType dtype) {
    if (dtype != DType.BF16 && dtype != DType.F32) {
      throw new IllegalArgumentException("dtype: " + dtype + " (expected: BF16 or F32)");
    }
    this.shape = shape;
    this.seed = seed;
    this.dtype = dtype;
  }

  /** Bytes of the weights. */
  public long bytes() {
    return tensors().bytes();
  }

  /** Writes config, tokenizer and weights; {@code progress} hears the bytes of each piece. */
  public void write(Path folder, LongConsumer progress) throws IOException {
    Files.createDirectories(folder);
    ObjectNode config = shape.config().deepCopy();
    config.remove("dtype");
    config.put("torch_dtype", dtype == DType.BF16 ? "bfloat16" : "float32");
    List<Integer> endIds = ids(config.path("eos_token_id"));
    int beginId = config.path("bos_token_id").asInt(0);
    SyllableTokenizer tokenizer = new SyllableTokenizer(shape.vocabularySize(), beginId, endIds);

    ObjectNode generation = JsonMapper.shared().createObjectNode();
    generation.put("bos_token_id", beginId);
    if (config.has("eos_token_id")) {
      generation.set("eos_token_id", config.get("eos_token_id"));
    }
    generation.put("do_sample", false);

    Files.writeString(folder.resolve("config.json"), config.toPrettyString());
    Files.writeString(folder.resolve("generation_config.json"), generation.toPrettyString());
    Files.write(folder.resolve("tokenizer.json"), tokenizer.tokenizerJson());
    Files.write(
        folder.resolve("tokenizer_config.json"), tokenizer.tokenizerConfig(shape.maxPositions()));
    tensors().write(folder.resolve("model.safetensors"), progress);
  }

  private RandomTensors tensors() {
    RandomTensors tensors = new RandomTensors(seed, dtype);
    for (ModelShape.Weight weight : shape.weights()) {
      switch (weight.role()) {
        case LINEAR -> tensors.add(weight.name(), weight.shape(), 0, LINEAR_DEVIATION);
        case EMBEDDING -> tensors.add(weight.name(), weight.shape(), 0, 0.04);
        case BIAS -> tensors.add(weight.name(), weight.shape(), 0, 0.01);
        case NORM -> tensors.add(weight.name(), weight.shape(), 1, 0.02);
      }
    }
    return tensors;
  }

  private static List<Integer> ids(JsonNode node) {
    List<Integer> ids = new ArrayList<>();
    if (node.isInt()) {
      ids.add(node.intValue());
    }
    node.forEach(item -> ids.add(item.intValue()));
    return ids;
  }

  /** What random adapters to write: {@code count} of them, ranks and kinds taken in turn. */
  public record AdapterPlan(
      int count, List<Integer> ranks, List<String> kinds, Set<String> targets) {
    public AdapterPlan {
      ranks = List.copyOf(ranks);
      kinds = List.copyOf(kinds);
      targets = Set.copyOf(targets);
      if (count < 0 || count > 100_000) {
        throw new IllegalArgumentException("adapters: " + count + " (expected: 0..100000)");
      }
      if (ranks.isEmpty() || kinds.isEmpty()) {
        throw new IllegalArgumentException("ranks, kinds: none (expected: at least one each)");
      }
    }
  }

  /**
   * Writes adapters into folders named after kind, rank and number, e.g. {@code lora-r16-000};
   * returns the names.
   */
  public List<String> writeAdapters(Path folder, AdapterPlan plan, LongConsumer eachDone)
      throws IOException {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < plan.count(); i++) {
      RandomAdapter.Kind kind = RandomAdapter.Kind.parse(plan.kinds().get(i % plan.kinds().size()));
      int rank = plan.ranks().get(i % plan.ranks().size());
      String name =
          String.format("%s-r%d-%03d", plan.kinds().get(i % plan.kinds().size()), rank, i);
      new RandomAdapter(name, kind, rank, plan.targets(), seed * 31 + i + 1, dtype)
          .write(folder.resolve(name), shape, bytes -> {});
      names.add(name);
      eachDone.accept(1);
    }
    return names;
  }
}
