package dev.openlora.server.tuning;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.text.SpecialTokens;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.SafetensorsWriter;
import dev.openlora.server.demo.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model before it has learned anything, as GPT-2 begins (Radford et al., Language Models are
 * Unsupervised Multitask Learners, 2019, §2.3): matrices normal with deviation 0.02, those that
 * write into the residual stream with that over √(2 · layers), norms 1, biases 0. Each tensor's
 * values hang on the seed and its name alone, on every machine.
 */
record InitialModel(ModelShape shape, long seed) {
  private static final double DEVIATION = 0.02;
  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "chat_template.jinja");

  /** Writes a whole Hugging Face folder, weights in F32. */
  void write(Path folder, Path tokenizerFolder, HuggingFaceTokenizer tokenizer) throws IOException {
    ObjectNode config = shape.config().deepCopy();
    config.remove("torch_dtype");
    config.put("dtype", "float32");
    SpecialTokens special = tokenizer.specialTokens();
    ObjectNode generation = JsonMapper.shared().createObjectNode();
    special.bosTokenId().ifPresent(id -> generation.put("bos_token_id", id));
    generation.put("do_sample", false);
    special.eosTokenIds().forEach(generation.putArray("eos_token_id")::add);
    Files.writeString(folder.resolve("config.json"), config.toPrettyString());
    Files.writeString(folder.resolve("generation_config.json"), generation.toPrettyString());
    for (String file : TOKENIZER_FILES) {
      if (Files.isRegularFile(tokenizerFolder.resolve(file))) {
        Files.copy(tokenizerFolder.resolve(file), folder.resolve(file));
      }
    }
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    for (ModelShape.Weight weight : shape.weights()) {
      writer.add(weight.name(), SafetensorsType.F32, weight.shape(), () -> values(weight));
    }
    writer.writeTo(folder.resolve("model.safetensors"));
  }

  float[] values(ModelShape.Weight weight) {
    long elements = 1;
    for (long size : weight.shape()) {
      elements *= size;
    }
    float[] values = new float[Math.toIntExact(elements)];
    switch (weight.role()) {
      case NORM -> java.util.Arrays.fill(values, 1);
      case BIAS -> {} // zeros
      case LINEAR, EMBEDDING -> {
        double deviation =
            DEVIATION / (writesResidual(weight.name()) ? Math.sqrt(2 * layers()) : 1);
        SplittableRandom random =
            new SplittableRandom(seed * 0x9E3779B97F4A7C15L ^ hash(weight.name()));
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (deviation * normal(random));
        }
      }
    }
    return values;
  }

  private static boolean writesResidual(String name) {
    return name.endsWith(".o_proj.weight") || name.endsWith(".down_proj.weight");
  }

  private double layers() {
    return shape.config().path("num_hidden_layers").asInt(1);
  }

  private static long hash(String name) {
    long hash = 0;
    for (int i = 0; i < name.length(); i++) {
      hash = hash * 1_000_003 + name.charAt(i);
    }
    return hash;
  }

  /** After Box and Muller. */
  private static double normal(SplittableRandom random) {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - unit(random)));
    return radius * StrictMath.cos(2 * StrictMath.PI * unit(random));
  }

  private static double unit(SplittableRandom random) {
    return (random.nextLong() >>> 11) * 0x1p-53;
  }
}
