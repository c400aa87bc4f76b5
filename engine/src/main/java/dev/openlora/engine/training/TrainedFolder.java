package dev.openlora.engine.training;

import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.SafetensorsWriter;
import dev.openlora.kernels.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes parameters as the files that others read. */
final class TrainedFolder {
  /** What stands beside a model's weights and does not change with them. */
  private static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "merges.txt",
          "chat_template.jinja");

  private TrainedFolder() {}

  static void writeAdapter(
      Path folder, byte[] config, ParameterSet parameters, SafetensorsType type)
      throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve("adapter_config.json"), config);
    writer(parameters, type).writeTo(folder.resolve("adapter_model.safetensors"));
  }

  static void writeModel(Path folder, Path source, ParameterSet parameters, SafetensorsType type)
      throws IOException {
    Files.createDirectories(folder);
    if (Files.isSameFile(folder, source)) {
      throw new IllegalArgumentException(
          "folder: " + folder + " (expected: another than that of the model in training)");
    }
    String config = Files.readString(source.resolve("config.json"), StandardCharsets.UTF_8);
    Files.writeString(folder.resolve("config.json"), withDtype(config, type));
    for (String name : COMPANIONS) {
      if (Files.isRegularFile(source.resolve(name))) {
        Files.copy(source.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    writer(parameters, type).writeTo(folder.resolve("model.safetensors"));
  }

  private static String withDtype(String config, SafetensorsType type) {
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config);
    String key = json.has("torch_dtype") ? "torch_dtype" : "dtype";
    json.put(
        key,
        switch (type) {
          case F32 -> "float32";
          case BF16 -> "bfloat16";
          case F16 -> "float16";
          default ->
              throw new IllegalArgumentException("type: " + type + " (expected: F32, F16 or BF16)");
        });
    return json.toPrettyString();
  }

  private static SafetensorsWriter writer(ParameterSet parameters, SafetensorsType type) {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    for (Parameter parameter : parameters.all()) {
      boolean turned = parameters.isTransposed(parameter);
      Tensor value = parameter.value();
      long[] shape = turned ? value.transpose().shape() : value.shape();
      for (String name : parameters.names(parameter)) {
        writer.add(name, type, shape, () -> turned ? transposed(value) : value.toFloats());
      }
    }
    return writer;
  }

  private static float[] transposed(Tensor matrix) {
    float[] values = matrix.toFloats();
    int columns = Math.toIntExact(matrix.size(1));
    int rows = values.length / columns;
    float[] turned = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        turned[column * rows + row] = values[row * columns + column];
      }
    }
    return turned;
  }
}
