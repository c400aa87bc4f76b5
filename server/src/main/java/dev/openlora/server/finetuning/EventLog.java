package dev.openlora.server.finetuning;

import dev.openlora.server.finetuning.JobEvent.Level;
import dev.openlora.server.http.Json;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The events of one job, a JSON object a line. The end of a line that a crash cut is dropped when
 * the log is opened again. Guarded by its owner's lock, except {@link #read}.
 */
final class EventLog implements Closeable {
  /** More are not kept: nobody reads them, and a worker gone mad must not fill the disk. */
  static final int EVENTS_MAX = 10_000;

  private final FileChannel out;
  private int count;

  EventLog(Path path) throws IOException {
    count = read(path).size();
    out =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean open = false;
    try {
      out.truncate(endOfLastLine());
      out.position(out.size());
      open = true;
    } finally {
      if (!open) {
        out.close();
      }
    }
  }

  void append(JobEvent event) throws IOException {
    if (count >= EVENTS_MAX) {
      return;
    }
    count++;
    byte[] line =
        Json.bytes(json -> {
          json.writeStartObject();
          json.writeStringProperty("id", event.id());
          json.writeNumberProperty("created_millis", event.createdMillis());
          json.writeStringProperty("level", event.level().word());
          json.writeStringProperty("message", event.message());
          json.writeObjectPropertyStart("data");
          event
              .data()
              .forEach((name, value) -> {
                json.writeName(name);
                json.writeNumber(value);
              });
          json.writeEndObject();
          json.writeEndObject();
        });
    ByteBuffer bytes = ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** All whole events of a log, the oldest first; none when there is no log. Any thread. */
  static List<JobEvent> read(Path path) throws IOException {
    List<JobEvent> events = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
      for (String line; (line = lines.readLine()) != null; ) {
        events.add(parse(line));
      }
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (CharacterCodingException
        | JacksonException
        | NullPointerException
        | IllegalArgumentException e) {
      return List.copyOf(events); // the line that is being written, or that a crash cut
    }
    return List.copyOf(events);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private static JobEvent parse(String line) {
    JsonNode json = Json.MAPPER.readTree(line);
    Map<String, Double> data = new LinkedHashMap<>();
    json.get("data").properties().forEach(e -> data.put(e.getKey(), e.getValue().doubleValue()));
    return new JobEvent(
        json.get("id").stringValue(),
        json.get("created_millis").longValue(),
        Level.of(json.get("level").stringValue()),
        json.get("message").stringValue(),
        data);
  }

  private long endOfLastLine() throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    for (long end = out.size(); end > 0; end--) {
      out.read(one.clear(), end - 1);
      if (one.get(0) == '\n') {
        return end;
      }
    }
    return 0;
  }
}
