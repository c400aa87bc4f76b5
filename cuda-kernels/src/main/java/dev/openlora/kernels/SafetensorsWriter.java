package dev.openlora.kernels;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes a .safetensors file: tensors are declared first and asked for their values one after the
 * other, so that a file larger than the memory can be written. The file appears whole or not at
 * all. One thread.
 */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;
  private static final int BUFFER_BYTES = 1 << 20;

  private record Item(SafetensorsType type, long[] shape, Supplier<float[]> values) {
    long elements() {
      return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }
  }

  private final Map<String, Item> items = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Declares a F32, F16 or BF16 tensor; {@code values} is asked once, when it is written. */
  public SafetensorsWriter add(
      String name, SafetensorsType type, long[] shape, Supplier<float[]> values) {
    if (type != SafetensorsType.F32
        && type != SafetensorsType.F16
        && type != SafetensorsType.BF16) {
      throw new IllegalArgumentException(
          "tensor '" + name + "': " + type + " (expected: F32, F16 or BF16)");
    }
    if (name.equals("__metadata__")
        || items.putIfAbsent(name, new Item(type, shape.clone(), values)) != null) {
      throw new IllegalArgumentException("tensor '" + name + "' (expected: a new name)");
    }
    return this;
  }

  /** Declares a contiguous host tensor, F32 or BF16, that is still there when it is written. */
  public SafetensorsWriter add(String name, Tensor tensor) {
    return add(
        name, SafetensorsType.valueOf(tensor.dtype().name()), tensor.shape(), tensor::toFloats);
  }

  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  public void writeTo(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path partial = Files.createTempFile(folder, file.getFileName().toString(), ".partial");
    try {
      try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = header();
        buffer.putLong(header.length);
        drain(buffer, channel);
        for (ByteBuffer bytes = ByteBuffer.wrap(header); bytes.hasRemaining(); ) {
          channel.write(bytes);
        }
        for (Map.Entry<String, Item> item : items.entrySet()) {
          write(item.getKey(), item.getValue(), buffer, channel);
        }
      }
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private byte[] header() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (JsonGenerator json =
        new JsonFactory().createGenerator(ObjectWriteContext.empty(), out, JsonEncoding.UTF8)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectPropertyStart("__metadata__");
        metadata.forEach(json::writeStringProperty);
        json.writeEndObject();
      }
      long at = 0;
      for (Map.Entry<String, Item> entry : items.entrySet()) {
        Item item = entry.getValue();
        long end = at + item.elements() * item.type().bytes();
        json.writeObjectPropertyStart(entry.getKey());
        json.writeStringProperty("dtype", item.type().name());
        json.writeName("shape");
        json.writeArray(item.shape(), 0, item.shape().length);
        json.writeName("data_offsets");
        json.writeArray(new long[] {at, end}, 0, 2);
        json.writeEndObject();
        at = end;
      }
      json.writeEndObject();
    }
    while (out.size() % ALIGNMENT != 0) {
      out.write(' ');
    }
    return out.toByteArray();
  }

  private static void write(String name, Item item, ByteBuffer buffer, FileChannel channel)
      throws IOException {
    float[] values = item.values().get();
    if (values.length != item.elements()) {
      throw new IllegalArgumentException(
          "tensor '"
              + name
              + "': "
              + values.length
              + " values (expected: "
              + item.elements()
              + ")");
    }
    for (float value : values) {
      if (buffer.remaining() < 4) {
        drain(buffer, channel);
      }
      switch (item.type()) {
        case F32 -> buffer.putFloat(value);
        case F16 -> buffer.putShort(Float.floatToFloat16(value));
        default -> buffer.putShort(Tensor.toBfloat16(value));
      }
    }
    drain(buffer, channel);
  }

  private static void drain(ByteBuffer buffer, FileChannel channel) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }
}
