package dev.openlora.server.openai;

import java.util.Arrays;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** What an endpoint's answers look like, whole and in chunks. Any thread. */
sealed interface AnswerFormat permits CompletionFormat, ChatFormat {
  /** The whole answer. */
  void writeBody(JsonGenerator json, GenerationCall call, List<Choice> choices);

  /** Whether each choice of a stream begins with a chunk of its own. */
  boolean hasOpening(GenerationCall call);

  /** That chunk. */
  void writeOpening(JsonGenerator json, GenerationCall call, Choice choice);

  /** A chunk with all that is not written yet. */
  void writeChunk(JsonGenerator json, GenerationCall call, Choice choice);

  String chunkObject();

  /** The last chunk of a stream whose client asked for the usage. */
  default void writeUsageChunk(JsonGenerator json, GenerationCall call, List<Choice> choices) {
    json.writeStartObject();
    writeHead(json, call, chunkObject());
    json.writeArrayPropertyStart("choices");
    json.writeEndArray();
    Usage.of(call, choices).write(json);
    json.writeEndObject();
  }

  static void writeHead(JsonGenerator json, GenerationCall call, String object) {
    json.writeStringProperty("id", call.id());
    json.writeStringProperty("object", object);
    json.writeNumberProperty("created", call.created());
    json.writeStringProperty("model", call.model());
  }

  /** {@code finish_reason} and {@code stop_reason}, null while the choice goes on. */
  static void writeEnd(JsonGenerator json, Choice choice) {
    var finish = choice.finish();
    if (finish == null) {
      json.writeNullProperty("finish_reason");
      json.writeNullProperty("stop_reason");
      return;
    }
    json.writeStringProperty(
        "finish_reason",
        switch (finish.reason()) {
          case STOP -> "stop";
          case LENGTH -> "length";
        });
    if (finish.stop() instanceof Integer tokenId) {
      json.writeNumberProperty("stop_reason", tokenId);
    } else if (finish.stop() instanceof String stop && !stop.isEmpty()) {
      json.writeStringProperty("stop_reason", stop);
    } else {
      json.writeNullProperty("stop_reason");
    }
  }

  static void writeIds(JsonGenerator json, String name, boolean asked, Iterable<Integer> ids) {
    if (!asked) {
      json.writeNullProperty(name);
      return;
    }
    json.writeArrayPropertyStart(name);
    ids.forEach(json::writeNumber);
    json.writeEndArray();
  }

  /** The tail of a stream's chunk, inside its outermost object. */
  static void writeChunkTail(
      JsonGenerator json, GenerationCall call, Choice choice, String fingerprint) {
    if (choice.finish() != null) {
      writeOwn(json, call, fingerprint);
    }
    if (call.options().usageEverywhere()) {
      Usage.soFar(choice).write(json);
    } else if (call.options().includeUsage()) {
      json.writeNullProperty("usage");
    }
  }

  /** What this server adds. */
  static void writeOwn(JsonGenerator json, GenerationCall call, String fingerprint) {
    json.writeStringProperty("system_fingerprint", fingerprint);
    json.writeObjectPropertyStart("openlora");
    json.writeArrayPropertyStart("adapters");
    call.adapterVersions().forEach(json::writeString);
    json.writeEndArray();
    json.writeEndObject();
  }

  static List<Integer> ids(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
