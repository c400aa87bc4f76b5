package dev.openlora.server.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.StringNode;

class OpenAiClientTest {
  private final HttpServer server = newServer();
  private final List<String> requests = new ArrayList<>();
  private int status = 200;
  private String reply = "";

  @BeforeEach
  void start() {
    server.createContext(
        "/v1/completions",
        exchange -> {
          requests.add(
              exchange.getRequestHeaders().getFirst("Authorization")
                  + " "
                  + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          byte[] body = reply.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void collectsAStreamAndItsUsage() throws Exception {
    reply =
        """
        data: {"choices":[{"index":0,"text":"ba"}]}

        : a comment

        data: {"choices":[{"index":0,"text":"la"}]}

        data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}

        data: [DONE]

        """;
    List<String> pieces = new ArrayList<>();

    OpenAiClient.Answer answer;
    try (OpenAiClient client = client()) {
      answer = client.stream(call(), pieces::add);
    }

    assertThat(answer.text()).isEqualTo("bala");
    assertThat(pieces).containsExactly("ba", "la");
    assertThat(answer.promptTokens()).isEqualTo(3);
    assertThat(answer.outputTokens()).isEqualTo(2);
    assertThat(requests)
        .singleElement()
        .asString()
        .startsWith("Bearer secret ")
        .contains("\"model\":\"cook\"", "\"include_usage\":true", "\"ignore_eos\":true");
  }

  @Test
  void takesAWholeAnswer() throws Exception {
    reply =
        """
        {"choices":[{"text":"hello"}],"usage":{"prompt_tokens":1,"completion_tokens":4}}
        """;
    try (OpenAiClient client = client()) {
      assertThat(client.complete(call()).text()).isEqualTo("hello");
    }
  }

  @Test
  void anErrorInTheStreamIsNotAnAnswer() {
    reply = "data: {\"error\":{\"message\":\"the adapter failed\"}}\n\n";

    try (OpenAiClient client = client()) {
      assertThatThrownBy(() -> client.stream(call(), piece -> {}))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("the adapter failed");
    }
  }

  @Test
  void aStreamThatEndsEarlyIsNotAnAnswer() {
    reply = "data: {\"choices\":[{\"text\":\"ba\"}]}\n\n";

    try (OpenAiClient client = client()) {
      assertThatThrownBy(() -> client.stream(call(), piece -> {}))
          .hasMessageContaining("without [DONE]");
    }
  }

  @Test
  void saysWhatTheServerSaid() {
    status = 404;
    reply = "{\"error\":{\"message\":\"The model `cook` does not exist.\"}}";

    try (OpenAiClient client = client()) {
      assertThatThrownBy(() -> client.complete(call()))
          .hasMessage("HTTP 404: The model `cook` does not exist.");
    }
  }

  private OpenAiClient client() {
    return new OpenAiClient(
        URI.create("http://127.0.0.1:" + server.getAddress().getPort()), "secret");
  }

  private static OpenAiClient.Call call() {
    return new OpenAiClient.Call("cook", StringNode.valueOf("hi"), 2, 0, 1);
  }

  private static HttpServer newServer() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new IllegalStateException("no port on the loopback address", e);
    }
  }
}
