package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.attribution.datanet.RowLimits;
import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.finetuning.FineTuningLimits;
import dev.openlora.server.finetuning.RowCheck;
import dev.openlora.server.openai.TestServer.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** A server that tunes with a scripted worker, in a folder that the next one may go on with. */
final class TuningServer implements AutoCloseable {
  static final String ROW =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
          + "{\"role\":\"assistant\",\"content\":\"Ho\"}]}\n";
  private static final String BOUNDARY = "----boundary";

  final ScriptedWorker worker = new ScriptedWorker();
  final TestServer http;
  private final Path folder;

  TuningServer(Path folder) {
    this(folder, FineTuningLimits.defaults());
  }

  TuningServer(Path folder, FineTuningLimits limits) {
    this(folder, limits, true, new TestServer.Setup());
  }

  TuningServer(Path folder, AccessKeys keys) {
    this(folder, FineTuningLimits.defaults(), true, new TestServer.Setup().keys(keys));
  }

  TuningServer(Path folder, FineTuningLimits limits, boolean accepting, TestServer.Setup setup) {
    this.folder = folder;
    this.http =
        setup
            .tuning(adapters -> {
              try {
                return new FineTuning(
                    new FineTuning.Setup("fake/base", "openlora", accepting),
                    folder,
                    limits,
                    worker,
                    adapters,
                    new RowCheck(RowLimits.DEFAULT, String::length),
                    Clock.systemUTC());
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
            .start(FakeEngine.running(512));
  }

  /** A form's body: fields as name, value; the file last. */
  static String form(String fileName, String content, String... fields) {
    StringBuilder body = new StringBuilder();
    for (int i = 0; i < fields.length; i += 2) {
      body.append("--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"")
          .append(fields[i])
          .append("\"\r\n\r\n")
          .append(fields[i + 1])
          .append("\r\n");
    }
    return body.append("--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"file\"; ")
        .append("filename=\"" + fileName + "\"\r\nContent-Type: application/octet-stream\r\n\r\n")
        .append(content)
        .append("\r\n--" + BOUNDARY + "--\r\n")
        .toString();
  }

  HttpRequest.Builder uploadRequest() {
    return http.request("/v1/files")
        .header("content-type", "multipart/form-data; boundary=" + BOUNDARY);
  }

  Answer uploadBody(String body) {
    return http.send(uploadRequest().POST(BodyPublishers.ofString(body)).build());
  }

  Answer upload(String content) {
    return uploadBody(form("rows.jsonl", content, "purpose", "fine-tune"));
  }

  /** Uploads rows; the file's id. */
  String file(String content) {
    Answer answer = upload(content);
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json().get("id").stringValue();
  }

  Answer create(String fields) {
    return http.post("/v1/fine_tuning/jobs", "{\"model\":\"fake/base\"," + fields + "}");
  }

  /** Creates a job on a good file; the job's id. */
  String job() {
    Answer answer = create("\"training_file\":\"" + file(ROW) + "\"");
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json().get("id").stringValue();
  }

  JsonNode get(String id) {
    return http.get("/v1/fine_tuning/jobs/" + id).json();
  }

  Answer change(String id, String verb) {
    return http.send(
        http.request("/v1/fine_tuning/jobs/" + id + "/" + verb)
            .POST(BodyPublishers.noBody())
            .build());
  }

  /** Waits for a status; the job then. */
  JsonNode await(String id, String status) {
    http.until(() -> get(id).get("status").stringValue().equals(status));
    return get(id);
  }

  List<String> messages(String id) {
    List<String> messages = new ArrayList<>();
    http.get("/v1/fine_tuning/jobs/" + id + "/events?limit=1000&order=asc")
        .json()
        .get("data")
        .forEach(event -> messages.add(event.get("message").stringValue()));
    return messages;
  }

  /** Every file below the folder, by its path from there. */
  List<String> onDisk() {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths
          .filter(Files::isRegularFile)
          .map(path -> folder.relativize(path).toString())
          .filter(path -> !path.equals("lock"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
