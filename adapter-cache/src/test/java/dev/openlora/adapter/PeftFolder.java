package dev.openlora.adapter;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes adapter folders in PEFT's layout. Starts as a config whose keys are PEFT's defaults; tests
 * change keys and tensors, also into what PEFT would never write. The safetensors bytes are put
 * together here, so that a test can damage them anywhere.
 */
public final class PeftFolder {
  private static final String PREFIX = "base_model.model.";

  private final Map<String, @Nullable Object> config = new LinkedHashMap<>();
  private final Map<String, Stored> tensors = new LinkedHashMap<>();
  private final Random random;

  private record Stored(String dtype, long[] shape, byte[] bytes) {}

  public PeftFolder(long seed) {
    random = new Random(seed);
    config.put("peft_type", "LORA");
    config.put("task_type", "CAUSAL_LM");
    config.put("base_model_name_or_path", "tiny");
    config.put("r", 4);
    config.put("lora_alpha", 8);
    config.put("lora_dropout", 0.0);
    config.put("bias", "none");
    config.put("target_modules", List.of("q_proj"));
    config.put("fan_in_fan_out", false);
    config.put("inference_mode", true);
    config.put("modules_to_save", null);
    config.put("init_lora_weights", true);
    config.put("use_rslora", false);
    config.put("use_dora", false);
    config.put("rank_pattern", Map.of());
    config.put("alpha_pattern", Map.of());
    config.put("peft_version", "0.21.2");
  }

  public PeftFolder with(String key, @Nullable Object value) {
    config.put(key, value);
    return this;
  }

  public PeftFolder without(String key) {
    config.remove(key);
    return this;
  }

  /** An F32 tensor; the name is without PEFT's prefix. */
  public PeftFolder tensor(String name, float[] values, long... shape) {
    return stored(PREFIX + name, "F32", values, shape);
  }

  /** A tensor of random values in [-0.5, 0.5). */
  public PeftFolder tensor(String name, long... shape) {
    return tensor(name, values(shape), shape);
  }

  /** A tensor under its full name and in another dtype (F32, F16, BF16 or any text). */
  public PeftFolder stored(String fullName, String dtype, float[] values, long... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * (dtype.equals("F32") ? 4 : 2))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      if (dtype.equals("F32")) {
        bytes.putFloat(value);
      } else if (dtype.equals("BF16")) {
        bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
      } else {
        bytes.putShort(Float.floatToFloat16(value));
      }
    }
    tensors.put(fullName, new Stored(dtype, shape.clone(), bytes.array()));
    return this;
  }

  public PeftFolder remove(String name) {
    tensors.remove(PREFIX + name);
    return this;
  }

  /** A random pair for one linear module. */
  public PeftFolder pair(String module, int rank, int in, int out) {
    return tensor(module + ".lora_A.weight", rank, in).tensor(module + ".lora_B.weight", out, rank);
  }

  /** Random pairs for all modules of a base whose names end with one of the suffixes. */
  public PeftFolder pairs(BaseModel base, int rank, String... suffixes) {
    for (BaseModel.LinearModule module : base.linears()) {
      if (Arrays.stream(suffixes).anyMatch(s -> ("." + module.name()).endsWith("." + s))) {
        pair(module.name(), rank, module.in(), module.out());
      }
    }
    return this;
  }

  public float[] values(long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  public String configJson() {
    return new JsonMapper().writeValueAsString(config);
  }

  public byte[] weights() {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("__metadata__", Map.of("format", "pt"));
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    tensors.forEach((name, tensor) -> {
      int from = data.size();
      data.writeBytes(tensor.bytes());
      header.put(
          name,
          Map.of(
              "dtype",
              tensor.dtype(),
              "shape",
              tensor.shape(),
              "data_offsets",
              List.of(from, data.size())));
    });
    return file(new JsonMapper().writeValueAsString(header), data.toByteArray());
  }

  /** A safetensors file of any header and data. */
  public static byte[] file(String header, byte[] data) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    int padded = (text.length + 7) / 8 * 8;
    ByteBuffer all = ByteBuffer.allocate(8 + padded + data.length).order(ByteOrder.LITTLE_ENDIAN);
    all.putLong(padded).put(text);
    while (all.position() < 8 + padded) {
      all.put((byte) ' ');
    }
    return all.put(data).array();
  }

  public Path write(Path folder) {
    return write(folder, configJson(), weights());
  }

  public static Path write(Path folder, String config, byte[] weights) {
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("adapter_config.json"), config);
      Files.write(folder.resolve("adapter_model.safetensors"), weights);
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
