package dev.openlora.server.http;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.function.Consumer;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** How this server writes and reads JSON: streaming out, a bounded tree in. Any thread. */
public final class Json {
  /** Deeper documents are refused. */
  public static final int DEPTH_MAX = 64;

  public static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(DEPTH_MAX)
                          .maxStringLength(Integer.MAX_VALUE)
                          .maxNameLength(10_000)
                          .maxNumberLength(400)
                          .build())
                  .build())
          .build();

  private Json() {}

  public static byte[] bytes(Consumer<JsonGenerator> content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    write(out, content);
    return out.toByteArray();
  }

  public static void write(OutputStream out, Consumer<JsonGenerator> content) {
    try (JsonGenerator json = MAPPER.createGenerator(out, JsonEncoding.UTF8)) {
      content.accept(json);
    }
  }
}
