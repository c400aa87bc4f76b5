package dev.openlora.engine.reference;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads trusted safetensors files as floats with nothing of the serving path, so that the reference
 * stands on its own.
 */
final class PlainSafetensors {
  private PlainSafetensors() {}

  /** Values of a tensor and its shape. */
  record Array(float[] values, long[] shape) {}

  /** All tensors of all files of a folder. */
  static void readFolder(Path folder, BiConsumer<String, Array> tensors) {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found = files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
      for (Path file : found) {
        readFile(file, tensors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void readFile(Path file, BiConsumer<String, Array> tensors) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int headerBytes = Math.toIntExact(bytes.getLong(0));
    String header = new String(bytes.array(), 8, headerBytes, StandardCharsets.UTF_8);
    for (var entry : JsonMapper.shared().readTree(header).properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        JsonNode tensor = entry.getValue();
        int start = 8 + headerBytes + tensor.get("data_offsets").get(0).intValue();
        long[] shape = new long[tensor.get("shape").size()];
        int elements = 1;
        for (int i = 0; i < shape.length; i++) {
          shape[i] = tensor.get("shape").get(i).longValue();
          elements *= (int) shape[i];
        }
        String dtype = tensor.get("dtype").stringValue();
        tensors.accept(entry.getKey(), new Array(floats(bytes, start, elements, dtype), shape));
      }
    }
  }

  private static float[] floats(ByteBuffer bytes, int start, int elements, String dtype) {
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] =
          switch (dtype) {
            case "F32" -> bytes.getFloat(start + 4 * i);
            case "BF16" -> Float.intBitsToFloat(bytes.getShort(start + 2 * i) << 16);
            case "F16" -> Float.float16ToFloat(bytes.getShort(start + 2 * i));
            default ->
                throw new IllegalArgumentException(
                    "dtype: " + dtype + " (expected: F32, BF16 or F16)");
          };
    }
    return values;
  }
}
