package dev.openlora.server.openai;

import static dev.openlora.server.openai.TuningServer.ROW;
import static dev.openlora.server.openai.TuningServer.form;
import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.finetuning.FineTuningLimits;
import dev.openlora.server.openai.RawClient.Raw;
import dev.openlora.server.openai.TestServer.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Files: what is taken, what is refused, and that a refused one leaves nothing. */
class FileEndpointsTest {
  private static final FineTuningLimits SMALL = new FineTuningLimits(1, 2, 10, 2, 1000, 3, 2500);

  @TempDir private Path folder = Path.of("");

  @Test
  void keepsAFileAndGivesItBack() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      JsonNode file = server.upload(ROW).json();
      assertThat(file.propertyNames())
          .containsExactly(
              "id",
              "object",
              "bytes",
              "created_at",
              "expires_at",
              "filename",
              "purpose",
              "status",
              "status_details");
      String id = file.get("id").stringValue();
      assertThat(id).matches("file-[A-Za-z0-9]{24}");
      assertThat(file.get("bytes").longValue()).isEqualTo(ROW.length());
      assertThat(file.get("filename").stringValue()).isEqualTo("rows.jsonl");
      assertThat(server.http.get("/v1/files/" + id).json()).isEqualTo(file);
      assertThat(server.http.get("/v1/files/" + id + "/content").text()).isEqualTo(ROW);

      Answer deleted = delete(server, id);
      assertThat(deleted.json().get("deleted").booleanValue()).isTrue();
      assertThat(delete(server, id).status()).isEqualTo(404);
      assertThat(server.http.get("/v1/files/" + id + "/content").status()).isEqualTo(404);
      assertThat(server.onDisk()).isEmpty();
    }
  }

  @Test
  void keepsEqualContentOnceUntilItsLastFileGoes() {
    try (TuningServer server = new TuningServer(folder)) {
      String one = server.file(ROW);
      String other = server.file(ROW);
      assertThat(contents(server)).hasSize(1);
      delete(server, one);
      assertThat(server.http.get("/v1/files/" + other + "/content").text()).isEqualTo(ROW);
      delete(server, other);
      assertThat(server.onDisk()).isEmpty();
    }
  }

  @Test
  void streamsALargeFileInAndOut() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String large = ROW.repeat(100_000); // more than a JSON body may have
      String id = server.file(large);
      assertThat(server.http.get("/v1/files/" + id + "/content").text()).isEqualTo(large);
      try (RawClient client = new RawClient(server.http.port)) {
        Raw head =
            client.send("HEAD /v1/files/" + id + "/content HTTP/1.1\r\nhost: x\r\n\r\n").read(true);
        assertThat(head.headers()).containsEntry("content-length", "" + large.length());
        assertThat(client.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").read().status())
            .isEqualTo(200);
      }
    }
  }

  @Test
  void listsPagesInBothOrders() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        ids.add(server.file(ROW.repeat(i + 1)));
      }
      assertThat(walk(server, "order=asc&limit=2")).isEqualTo(ids);
      assertThat(walk(server, "limit=3&purpose=fine-tune")).isEqualTo(ids.reversed());
      assertThat(walk(server, "purpose=fine-tune-results")).isEmpty();
      for (String query :
          List.of("limit=0", "limit=x", "limit=10001", "after=file-x", "order=up")) {
        Answer answer = server.http.get("/v1/files?" + query);
        assertThat(answer.status()).as(query).isEqualTo(400);
        assertThat(answer.param()).isEqualTo(query.split("=")[0]);
        assertThat(answer.error()).startsWith(query.split("=")[0] + " must be ");
      }
      try (RawClient client = new RawClient(server.http.port)) {
        Raw raw = client.send("GET /v1/files?after=%zz HTTP/1.1\r\nhost: x\r\n\r\n").read();
        assertThat(raw.status()).isEqualTo(400);
        assertThat(raw.body()).contains("broken escape");
      }
    }
  }

  @Test
  void namesWhatIsWrongWithAnUpload() {
    try (TuningServer server = new TuningServer(folder)) {
      refused(server, form("a.jsonl", ROW), "purpose", "purpose must be fine-tune, got nothing.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "assistants"),
          "purpose",
          "purpose must be fine-tune, got 'assistants'.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "fine-tune-results"),
          "purpose",
          "purpose must be fine-tune, got 'fine-tune-results'.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "x".repeat(101)),
          "purpose",
          "purpose must have at most 100 bytes.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "fine-tune", "purpose", "fine-tune"),
          "purpose",
          "purpose must be given once, got a second one.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "fine-tune", "expires_after[seconds]", "3600"),
          "expires_after[seconds]",
          "expires_after[seconds] is not supported by this server.");
      refused(
          server,
          form("a.jsonl", ROW, "purpose", "fine-tune", "file", "inline"),
          "file",
          "file must have a name of 1 to 255 visible characters, got ''.");
      refused(
          server,
          form("x".repeat(256), ROW, "purpose", "fine-tune"),
          "file",
          "file must have a name of 1 to 255 visible characters, got 'xxx");
      refused(server, "", "body", "it ends inside a part.");
      refused(server, "hello", "body", "it does not begin with its boundary.");
      refused(server, "------boundary\r\n\r\nx\r\n------boundary--", "body", "a part has no name.");
      refused(server, "------boundary\r\nConte", "body", "it ends inside a part's head.");
      refused(server, "------boundary\r\n" + "x".repeat(3000), "body", "more than 2048 bytes.");
      String whole = form("a.jsonl", ROW, "purpose", "fine-tune");
      refused(server, whole.substring(0, whole.length() - 20), "body", "it ends inside a part.");
      refused(server, whole + "x".repeat(5000), "body", "4096 bytes follow its last boundary.");
      refused(
          server,
          whole.replace("Content-Type: a", "Content-Transfer-Encoding: base64\r\nX: a"),
          "body",
          "'Content-Transfer-Encoding: base64' is not supported.");
      assertThat(server.onDisk()).isEmpty();
      assertThat(server.http.get("/v1/files").json().get("data")).isEmpty();
    }
  }

  @Test
  void asksForAFormWithABoundaryFromNoForeignPage() {
    try (TuningServer server = new TuningServer(folder)) {
      Answer json = server.http.post("/v1/files", "{}");
      assertThat(json.status()).isEqualTo(400);
      assertThat(json.error())
          .isEqualTo(
              "Unsupported Media Type: Only 'multipart/form-data' is allowed, got"
                  + " 'application/json'.");
      Answer bare =
          server.http.send(
              server
                  .http
                  .request("/v1/files")
                  .header("content-type", "multipart/form-data")
                  .POST(BodyPublishers.ofString("x"))
                  .build());
      assertThat(bare.error()).contains("names no boundary");
      Answer page =
          server.http.send(
              server
                  .uploadRequest()
                  .header("origin", "https://evil.example")
                  .POST(BodyPublishers.ofString(form("a.jsonl", ROW, "purpose", "fine-tune")))
                  .build());
      assertThat(page.status()).isEqualTo(403);
      assertThat(page.error()).contains("'https://evil.example'");
      Answer own =
          server.http.send(
              server
                  .uploadRequest()
                  .header("origin", "http://127.0.0.1:" + server.http.port)
                  .POST(BodyPublishers.ofString(form("a.jsonl", ROW, "purpose", "fine-tune")))
                  .build());
      assertThat(own.status()).isEqualTo(200);
    }
  }

  @Test
  void keepsToItsLimitsAndLeavesNothingBehind() {
    try (TuningServer server = new TuningServer(folder, SMALL)) {
      Answer long1 = server.upload("x".repeat(1001));
      assertThat(long1.status()).isEqualTo(413);
      assertThat(long1.param()).isEqualTo("file");
      assertThat(long1.error()).isEqualTo("file has more than 1000 bytes (expected: at most).");
      Answer long2 = server.upload("x".repeat(200_000));
      assertThat(long2.status()).isEqualTo(413);
      assertThat(long2.error()).contains("(expected: at most 66536)");
      assertThat(server.onDisk()).isEmpty();

      server.file("a".repeat(1000));
      server.file("b".repeat(1000));
      Answer together = server.upload("c".repeat(501));
      assertThat(together.status()).isEqualTo(507);
      assertThat(together.error())
          .isEqualTo(
              "All files together would have more than 2500 bytes (expected: at most). Delete"
                  + " some.");
      String last = server.file("d".repeat(500));
      Answer more = server.upload("e");
      assertThat(more.status()).isEqualTo(507);
      assertThat(more.error())
          .isEqualTo("There are 3 files already (expected: at most 3). Delete some.");
      assertThat(contents(server)).hasSize(3);
      delete(server, last);
      server.file("e");
    }
  }

  @Test
  void aCutConnectionLeavesNothing() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String body = form("a.jsonl", ROW.repeat(1000), "purpose", "fine-tune");
      String head =
          "POST /v1/files HTTP/1.1\r\nhost: x\r\n"
              + "content-type: multipart/form-data; boundary=----boundary\r\ncontent-length: "
              + body.length()
              + "\r\n\r\n";
      try (RawClient client = new RawClient(server.http.port)) {
        client.send(head).send(body.substring(0, body.length() / 2));
        server.http.until(() -> !server.onDisk().isEmpty());
      }
      server.http.until(() -> server.onDisk().isEmpty());
      try (RawClient client = new RawClient(server.http.port)) {
        Raw raw = client.send(head).send(body.substring(0, 5000)).endSending().read();
        assertThat(raw.status()).isEqualTo(400);
        assertThat(raw.body())
            .contains("The request body ended early: 5000 of " + body.length() + " bytes came.");
      }
      server.http.until(() -> server.onDisk().isEmpty());
      assertThat(server.http.get("/v1/files").json().get("data")).isEmpty();
      assertThat(server.file(ROW)).startsWith("file-");
    }
  }

  @Test
  void answersARefusedUploadBeforeItsEnd() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      try (RawClient client = new RawClient(server.http.port)) {
        Raw raw =
            client
                .send(
                    "POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
                        + "content-type: multipart/form-data; boundary=b\r\n\r\n"
                        + "5\r\nwrong\r\n")
                .read();
        assertThat(raw.status()).isEqualTo(400);
        assertThat(raw.headers()).containsEntry("connection", "close");
        assertThat(client.atEnd()).isTrue();
      }
    }
  }

  @Test
  void takesAChunkedFormWhoseFileComesFirst() throws Exception {
    try (TuningServer server = new TuningServer(folder);
        RawClient client = new RawClient(server.http.port)) {
      String body =
          "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"ü.jsonl\"\r\n\r\n"
              + ROW
              + "\r\n--b\r\ncontent-disposition: form-data; name=purpose\r\n\r\nfine-tune\r\n--b--";
      client.send(
          "POST /v1/files HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
              + "content-type: multipart/form-data; boundary=\"b\"\r\n\r\n");
      for (byte b : body.getBytes(java.nio.charset.StandardCharsets.UTF_8)) {
        client.send("1\r\n").send(new byte[] {b}).send("\r\n");
      }
      Raw raw = client.send("0\r\n\r\n").read();
      assertThat(raw.status()).isEqualTo(200);
      assertThat(raw.body()).contains("\"filename\":\"ü.jsonl\"");
      assertThat(client.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").read().status())
          .isEqualTo(200);
    }
  }

  @Test
  void aDiskThatTakesNothingIsTheServersFault() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      Path content = folder.resolve("files/content");
      Files.delete(content);
      Files.writeString(content, "in the way");
      Answer answer = server.upload(ROW);
      assertThat(answer.status()).isEqualTo(507);
      assertThat(answer.error()).isEqualTo("The server cannot write to its disk.");
      Files.delete(content);
      Files.createDirectory(content);
      assertThat(server.onDisk()).isEmpty();
      assertThat(server.file(ROW)).startsWith("file-");
    }
  }

  @Test
  void asksForAKey() {
    try (TuningServer server =
        new TuningServer(folder, new AccessKeys(List.of("a-key-of-ours"), List.of(), true))) {
      assertThat(server.upload(ROW).status()).isEqualTo(401);
      assertThat(server.http.get("/v1/files").status()).isEqualTo(401);
      assertThat(server.http.get("/v1/fine_tuning/jobs").status()).isEqualTo(401);
      assertThat(server.create("").status()).isEqualTo(401);
      assertThat(server.onDisk()).isEmpty();
    }
  }

  @Test
  void saysThatThereIsNoFineTuning() {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      for (String path : List.of("/v1/files", "/v1/files/x", "/v1/fine_tuning/jobs")) {
        Answer answer = server.get(path);
        assertThat(answer.status()).as(path).isEqualTo(404);
        assertThat(answer.error())
            .isEqualTo(
                "This server does no fine-tuning: its operator has set no tuning.directory.");
      }
    }
  }

  private static void refused(TuningServer server, String body, String param, String message) {
    Answer answer = server.uploadBody(body);
    assertThat(answer.status()).as(message).isEqualTo(400);
    assertThat(answer.error()).contains(message);
    assertThat(answer.param()).isEqualTo(param);
  }

  private static List<String> contents(TuningServer server) {
    return server.onDisk().stream().filter(path -> path.startsWith("files/content/")).toList();
  }

  private static Answer delete(TuningServer server, String id) {
    return server.http.send(server.http.request("/v1/files/" + id).DELETE().build());
  }

  private static List<String> walk(TuningServer server, String query) {
    List<String> ids = new ArrayList<>();
    String after = "";
    for (boolean more = true; more; ) {
      JsonNode page = server.http.get("/v1/files?" + query + after).json();
      page.get("data").forEach(file -> ids.add(file.get("id").stringValue()));
      more = page.get("has_more").booleanValue();
      after = "&after=" + page.get("last_id").asString();
    }
    return ids;
  }
}
