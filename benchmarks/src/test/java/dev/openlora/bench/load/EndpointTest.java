package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "127.0.0.1:8080", "ftp://a", "http://", "http://a?b=c", "http://a b"})
  void refusesWhatIsNoAddress(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Endpoint.Address.uri("--url", text))
        .withMessage("--url: '" + text + "' (expected: an address as http://127.0.0.1:8080)");
  }

  @Test
  void dropsTheEndOfAnAddressThatPathsBringAgain() {
    assertThat(Endpoint.Address.uri("--url", "http://h:1/v1/")).hasToString("http://h:1");
    assertThat(Endpoint.Address.uri("--url", "https://h/api/")).hasToString("https://h/api");
  }

  @Test
  void namesTheServerThatDoesNotAnswerWell() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer((request, out) ->
            out.write(ScriptedServer.json(401, "{\"error\":{\"message\":\"no key\"}}")))) {
      assertThatIOException()
          .isThrownBy(() -> Endpoint.ask(address(server.uri(), Dialect.OPENAI, null)))
          .withMessage(server.uri() + "/v1/models: HTTP 401: no key");
    }
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(ScriptedServer.json(200, "<html>")))) {
      assertThatIOException()
          .isThrownBy(() -> Endpoint.ask(address(server.uri(), Dialect.OPENAI, null)))
          .withMessage(server.uri() + "/v1/models: '<html>' (expected: JSON)");
      assertThatIOException()
          .isThrownBy(() -> Endpoint.ask(address(server.uri(), Dialect.LLAMA, null)))
          .withMessageContaining("/lora-adapters: '<html>'");
    }
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(ScriptedServer.json(200, "{}")))) {
      assertThatIOException()
          .isThrownBy(() -> Endpoint.ask(address(server.uri(), Dialect.OPENAI, null)))
          .withMessageContaining("no base model");
      assertThatIOException()
          .isThrownBy(() -> Endpoint.ask(address(server.uri(), Dialect.LLAMA, null)))
          .withMessageContaining("(expected: an array)");
    }
  }

  @Test
  void takesModelsWithAParentForAdaptersInTheOrderOfTheirNames() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer(
            (request, out) -> out.write(ScriptedServer.models("tiny", "b", "c", "a")))) {
      Endpoint endpoint = Endpoint.ask(address(server.uri(), Dialect.OPENAI, null));
      assertThat(endpoint.base()).isEqualTo("tiny");
      assertThat(endpoint.adapters()).containsExactly("a", "b", "c");
      assertThat(endpoint.contextTokensMax()).isEqualTo(1024);
      assertThat(endpoint.name(Ask.BASE)).isEqualTo("tiny");
      assertThat(endpoint.name(2)).isEqualTo("c");
      assertThat(Endpoint.ask(address(server.uri(), Dialect.OPENAI, "other")).base())
          .isEqualTo("other");
    }
  }

  @Test
  void takesPlacesForTheNamesOfLlamasAdapters() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer((request, out) ->
            out.write(
                ScriptedServer.json(
                    200, "[{\"id\":0,\"path\":\"x\"},{\"id\":1,\"path\":\"y\"}]")))) {
      Endpoint endpoint = Endpoint.ask(address(server.uri(), Dialect.LLAMA, null));
      assertThat(endpoint.adapters()).containsExactly("0", "1");
      assertThat(server.received().getFirst().line()).isEqualTo("GET /lora-adapters HTTP/1.1");
    }
  }

  private static Endpoint.Address address(URI uri, Dialect dialect, @Nullable String base) {
    return new Endpoint.Address(uri, dialect, null, base);
  }
}
