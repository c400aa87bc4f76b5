package dev.openlora.engine.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the JSON files of a model folder: bounded, no key twice. */
final class JsonFiles {
  private static final long BYTES_MAX = 64L << 20;
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private JsonFiles() {}

  static JsonNode read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(file + ": missing");
    }
    if (Files.size(file) > BYTES_MAX) {
      throw new ModelException(
          file + ": " + Files.size(file) + " bytes (expected: at most " + BYTES_MAX + ")");
    }
    try {
      return MAPPER.readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new ModelException(file + ": not JSON: " + e.getOriginalMessage());
    }
  }
}
