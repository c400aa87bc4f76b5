package dev.openlora.engine.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The JSON files beside a model. They come from strangers: bounded in size, and whatever is wrong
 * is an {@link IOException} that names the file and the field.
 */
final class ModelJson {
  private static final JsonMapper MAPPER = JsonMapper.shared();
  private static final int SHOWN_CHARS_MAX = 80;

  private ModelJson() {}

  /** The bytes of a file in the folder, or null where there is none. */
  static byte @Nullable [] bytes(Path directory, String name, long bytesMax) throws IOException {
    Path file = directory.resolve(name);
    if (!Files.isRegularFile(file)) {
      return null;
    }
    long size = Files.size(file);
    if (size > bytesMax) {
      throw new IOException(name + ": " + size + " bytes (expected: at most " + bytesMax + ")");
    }
    return Files.readAllBytes(file);
  }

  /** The object in a file of the folder; an empty one where there is no file. */
  static JsonNode object(Path directory, String name, long bytesMax) throws IOException {
    byte[] bytes = bytes(directory, name, bytesMax);
    return bytes == null ? MAPPER.createObjectNode() : object(bytes, name);
  }

  static JsonNode object(byte[] bytes, String name) throws IOException {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (JacksonException e) {
      throw new IOException(name + ": not JSON: " + e.getOriginalMessage(), e);
    }
    if (!node.isObject()) {
      throw wrong(name, "content", node, "an object");
    }
    return node;
  }

  static IOException wrong(String file, String field, JsonNode got, String expected) {
    String shown = got.toString();
    if (shown.length() > SHOWN_CHARS_MAX) {
      shown = shown.substring(0, SHOWN_CHARS_MAX) + "…";
    }
    return new IOException(file + ": " + field + ": " + shown + " (expected: " + expected + ")");
  }
}
