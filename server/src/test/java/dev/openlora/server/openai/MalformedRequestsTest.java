package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.http.Json;
import dev.openlora.server.openai.RawClient.Raw;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Broken requests by the hundred, listed and drawn: each has an error object with a sentence and a
 * 4xx status, and the server serves on.
 */
class MalformedRequestsTest {
  private static final String GOOD = "{\"prompt\":\"On\",\"max_tokens\":2}";
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(FakeEngine.running(512));
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @Test
  void refusesEveryBrokenBody() throws Exception {
    List<byte[]> bodies = new ArrayList<>();
    for (String text :
        new String[] {
          "",
          " ",
          "{",
          "}",
          "[]",
          "null",
          "true",
          "5",
          "\"x\"",
          "{\"prompt\"}",
          "{\"prompt\":}",
          "{\"prompt\":\"On\",}",
          "{\"prompt\":\"On\"",
          "{\"prompt\":\"On}",
          "{prompt:\"On\"}",
          "{'prompt':'On'}",
          "{\"prompt\":\"On\"} x",
          "{\"prompt\":\"On\"}{}",
          "{\"prompt\":\"On\",\"temperature\":NaN}",
          "{\"prompt\":\"On\",\"temperature\":Infinity}",
          "{\"prompt\":\"On\",\"temperature\":01}",
          "{\"prompt\":\"On\",\"temperature\":.5}",
          "{\"prompt\":\"On\",\"temperature\":1.}",
          "{\"prompt\":\"On\",\"temperature\":+1}",
          "{\"prompt\":\"On\",\"max_tokens\":" + "9".repeat(500) + "}",
          "{\"prompt\":1e" + "9".repeat(300) + "}",
          "{\"prompt\":\"\\x\"}",
          "{\"prompt\":\"\\u12\"}",
          "{\"prompt\":\"\\ud800\"}",
          "{\"prompt\":\"\\udc00 \\ud800\"}",
          "{\"\\ud800\":1,\"prompt\":\"On\"}",
          "{\"model\":\"\\ud83d\"}",
          "{\"prompt\":\"a\nb\"}",
          "{\"prompt\":\"a\u0000b\"}",
          "// comment\n{}",
          "{\"prompt\":" + "[".repeat(70) + "]".repeat(70) + "}",
          "[".repeat(100_000),
          "{\"a\":".repeat(100_000)
        }) {
      bodies.add(text.getBytes(StandardCharsets.UTF_8));
    }
    bodies.add(bytes("{\"prompt\":\"", 0xff, "\"}"));
    bodies.add(bytes("{\"prompt\":\"", 0xc3, "\"}"));
    bodies.add(bytes("{\"prompt\":\"", 0xed, 0xa0, 0x80, "\"}"));
    bodies.add(bytes("{\"prompt\":\"", 0xc0, 0xaf, "\"}"));
    bodies.add(bytes("{\"prompt\":\"", 0xf5, 0x80, 0x80, 0x80, "\"}"));
    bodies.add(GOOD.getBytes(StandardCharsets.UTF_16));
    bodies.add(GOOD.getBytes(StandardCharsets.UTF_16LE));
    bodies.add(new byte[1000]);
    int refused = 0;
    for (byte[] body : bodies) {
      for (String path : new String[] {"/v1/completions", "/v1/chat/completions", "/tokenize"}) {
        refuses(path, body);
        refused++;
      }
    }
    assertThat(refused).isGreaterThanOrEqualTo(130);
    stillServes();
  }

  @Test
  void saysWhereABodyIsBroken() throws Exception {
    JsonNode syntax = refuses("/v1/completions", "{\"prompt\":x}".getBytes()).get("error");
    assertThat(syntax.get("message").stringValue())
        .startsWith("JSON decode error at character 1")
        .contains("line 1, column");
    assertThat(syntax.get("param").stringValue()).startsWith("body.1");
    JsonNode utf8 = refuses("/v1/completions", bytes("{\"prompt\":\"", 0xff, "\"}")).get("error");
    assertThat(utf8.get("message").stringValue())
        .isEqualTo("The request body is not UTF-8: byte 11 is 0xff.");
    assertThat(utf8.get("param").stringValue()).isEqualTo("body.11");
  }

  @Test
  void refusesBrokenHttp() throws Exception {
    String type = "content-type: application/json\r\n";
    for (String text :
        new String[] {
          "\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n",
          "GET\r\n\r\n",
          "GET /health\r\n\r\n",
          "GET /health HTTP/9.9\r\n\r\n",
          "GET /health XTTP/1.1\r\n\r\n",
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
          "GET /health HTTP/1.1\r\nno colon here\r\n\r\n",
          "GET /health HTTP/1.1\r\n: empty name\r\n\r\n",
          "GET /health HTTP/1.1\r\nbad name: x\r\n\r\n",
          "GET /health HTTP/1.1\r\nx: a\u0001b\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nhost: x\r\n\r\n",
          "GET /%f HTTP/1.1\r\nhost: x\r\n\r\n",
          "GET http://other/health HTTP/1.1\r\nhost: x\r\n\r\n",
          "GET health HTTP/1.1\r\nhost: x\r\n\r\n",
          "BREW /health HTTP/1.1\r\nhost: x\r\n\r\n",
          "CONNECT /v1/completions HTTP/1.1\r\nhost: x\r\n\r\n",
          "TRACE /v1/completions HTTP/1.1\r\nhost: x\r\n\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "content-length: -5\r\n\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "content-length: many\r\n\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "content-length: 99999999999999999999\r\n\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "content-length: 999999999999\r\n\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
          "POST /tokenize HTTP/1.1\r\n" + type + "transfer-encoding: chunked\r\n\r\nzz\r\n",
          "POST /tokenize HTTP/1.1\r\n" + type + "transfer-encoding: chunked\r\n\r\n-1\r\n",
          "POST /tokenize HTTP/1.1\r\n"
              + type
              + "content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
          "POST /tokenize HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
          "POST /tokenize HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}",
          "POST /tokenize HTTP/1.1\r\ncontent-type: multipart/form-data\r\ncontent-length: 2\r\n\r\n{}",
          "POST /tokenize HTTP/1.1\r\n" + type + "\r\n"
        }) {
      try (RawClient client = new RawClient(server.port)) {
        Raw raw = client.send(text).read();
        assertThat(raw.status()).as(text).isBetween(400, 499);
        sentence(raw);
      }
    }
    stillServes();
  }

  @Test
  void survivesDrawnRequests() throws Exception {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      byte[] body = drawn(random);
      String path = random.nextBoolean() ? "/v1/completions" : "/v1/chat/completions";
      try (RawClient client = new RawClient(server.port)) {
        Raw raw = client.post(path, body).read();
        String context = "tests.seed=" + seed + ": " + new String(body, StandardCharsets.UTF_8);
        assertThat(raw.status()).as(context).isLessThan(500);
        if (raw.status() != 200) {
          sentence(raw);
          refused++;
        }
      }
    }
    assertThat(refused).as("tests.seed=" + seed).isGreaterThan(200);
    stillServes();
  }

  @Test
  void survivesBytesThatAreNotHttpAtAll() throws Exception {
    Random random = new Random(17);
    for (int i = 0; i < 60; i++) {
      byte[] noise = new byte[1 + random.nextInt(300)];
      random.nextBytes(noise);
      try (RawClient client = new RawClient(server.port)) {
        client.trySend(noise).endSending();
        Raw raw = client.read();
        assertThat(raw.status()).isBetween(400, 499);
        sentence(raw);
      } catch (IOException e) {
        assertThat(e.getMessage()).contains("closed after ''"); // blanks and line ends only
      }
    }
    stillServes();
  }

  /** A request whose fields hold anything, or whose bytes were damaged. */
  private static byte[] drawn(Random random) {
    String[] names = {
      "prompt",
      "messages",
      "model",
      "max_tokens",
      "temperature",
      "top_p",
      "top_k",
      "min_p",
      "n",
      "stop",
      "stream",
      "stream_options",
      "logprobs",
      "top_logprobs",
      "echo",
      "seed",
      "logit_bias",
      "adapters",
      "truncate_prompt_tokens",
      "min_tokens",
      "stop_token_ids",
      "prompt_logprobs"
    };
    String[] values = {
      "null",
      "true",
      "false",
      "0",
      "-1",
      "1",
      "2.5",
      "1e308",
      "-1e308",
      "1e-320",
      "4294967296",
      "9223372036854775807",
      "-9223372036854775809",
      "\"\"",
      "\"x\"",
      "\"NaN\"",
      "\"-Infinity\"",
      "[]",
      "[[]]",
      "[1]",
      "[\"a\"]",
      "[null]",
      "{}",
      "{\"a\":1}",
      "{\"1\":1e40}",
      "[{\"role\":\"user\",\"content\":\"a\"}]",
      "[{\"id\":\"x\",\"scale\":1e300}]",
      "\"\\ud83d\\ude00\"",
      "\"\\u0000\"",
      "[1,2,3]",
      "16"
    };
    StringBuilder body = new StringBuilder("{");
    int count = 1 + random.nextInt(6);
    for (int i = 0; i < count; i++) {
      body.append(i == 0 ? "" : ",")
          .append('"')
          .append(names[random.nextInt(names.length)])
          .append("\":")
          .append(values[random.nextInt(values.length)]);
    }
    byte[] bytes = body.append('}').toString().getBytes(StandardCharsets.UTF_8);
    if (random.nextInt(4) == 0) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
    }
    return bytes;
  }

  private static JsonNode refuses(String path, byte[] body) throws IOException {
    try (RawClient client = new RawClient(server.port)) {
      Raw raw = client.post(path, body).read();
      assertThat(raw.status()).as(new String(body, StandardCharsets.UTF_8)).isEqualTo(400);
      return sentence(raw);
    }
  }

  private static JsonNode sentence(Raw raw) {
    JsonNode json = Json.MAPPER.readTree(raw.body());
    JsonNode error = json.get("error");
    assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
    assertThat(error.get("message").stringValue()).hasSizeGreaterThan(10).contains(" ");
    assertThat(error.get("code").intValue()).isEqualTo(raw.status());
    return json;
  }

  private static void stillServes() {
    assertThat(server.complete(GOOD).status()).isEqualTo(200);
  }

  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof Integer b) {
        out.write(b);
      } else {
        out.writeBytes(part.toString().getBytes(StandardCharsets.UTF_8));
      }
    }
    return out.toByteArray();
  }
}
