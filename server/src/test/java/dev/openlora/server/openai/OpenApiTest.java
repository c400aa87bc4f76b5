package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.http.Json;
import dev.openlora.server.http.Route;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The served description says what the server does: its routes, its fields, its answers. */
class OpenApiTest {
  @Test
  void namesEveryRouteAndNoOther() {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      Set<String> described = new TreeSet<>();
      for (var path : document(server).get("paths").properties()) {
        for (String method : path.getValue().propertyNames()) {
          described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey());
        }
      }
      Set<String> served = new TreeSet<>();
      for (Route route : server.server.routes()) {
        served.add(route.method() + " " + route.path().replace("/*", "/{id}"));
      }
      assertThat(described).isEqualTo(served);
    }
  }

  @Test
  void refersOnlyToWhatItHas() {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      JsonNode document = document(server);
      List<String> references = new ArrayList<>();
      collect(document, references);
      assertThat(references).isNotEmpty();
      for (String reference : references) {
        assertThat(document.at(reference.substring(1)).isMissingNode()).as(reference).isFalse();
      }
    }
  }

  @Test
  void describesFieldsThatTheServerChecks() {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      JsonNode fields = document(server).at("/components/schemas/CompletionRequest/properties");
      for (String name : fields.propertyNames()) {
        if (name.equals("truncation_side")) {
          continue; // looked at only beside truncate_prompt_tokens
        }
        var answer =
            server.send(
                server
                    .request("/v1/completions")
                    .header("content-type", "application/json")
                    .POST(
                        BodyPublishers.ofString(
                            "{\"prompt\":\"On\",\"" + name + "\":[[{\"wrong\":1}]]}"))
                    .build());
        assertThat(answer.status()).as(name).isEqualTo(400);
        assertThat(answer.param()).startsWith(name);
      }
    }
  }

  @Test
  void givesTheFieldsOfAnswersThatItNames() {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      JsonNode schemas = document(server).at("/components/schemas");
      JsonNode completion =
          server.complete("{\"prompt\":\"On\",\"logprobs\":1,\"return_token_ids\":true}").json();
      assertThat(completion.propertyNames())
          .containsAll(schemas.at("/Completion/properties").propertyNames());
      JsonNode choice = completion.get("choices").get(0);
      JsonNode described = schemas.at("/Completion/properties/choices/items/properties");
      assertThat(choice.propertyNames()).containsAll(described.propertyNames());
      assertThat(choice.get("logprobs").propertyNames())
          .containsExactlyInAnyOrderElementsOf(
              described.at("/logprobs/properties").propertyNames());
      JsonNode chat = server.chat("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}").json();
      assertThat(chat.propertyNames())
          .containsAll(schemas.at("/ChatCompletion/properties").propertyNames());
      assertThat(chat.get("choices").get(0).propertyNames())
          .containsAll(
              schemas.at("/ChatCompletion/properties/choices/items/properties").propertyNames());
    }
  }

  private static JsonNode document(TestServer server) {
    return Json.MAPPER.readTree(server.get("/openapi.json").text());
  }

  private static void collect(JsonNode node, List<String> references) {
    if (node.isObject() && node.has("$ref")) {
      references.add(node.get("$ref").stringValue());
    }
    node.forEach(child -> collect(child, references));
  }
}
