package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.openai.TestServer.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** vLLM's endpoints for adapters, and the list of models. */
class AdapterEndpointsTest {
  @TempDir Path folder;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(FakeEngine.running(512));
  }

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void loadsServesListsAndUnloads() throws Exception {
    Answer loaded = load("r8", "lora", "");
    assertThat(loaded.status()).isEqualTo(200);
    assertThat(loaded.text()).isEqualTo("Success: LoRA adapter 'r8' added successfully.");
    JsonNode data = server.get("/v1/models").json().get("data");
    assertThat(data).hasSize(2);
    JsonNode base = data.get(0);
    assertThat(base.get("id").stringValue()).isEqualTo("fake/base");
    assertThat(base.get("parent").isNull()).isTrue();
    assertThat(base.get("max_model_len").intValue()).isEqualTo(512);
    assertThat(base.get("permission").get(0).get("object").stringValue())
        .isEqualTo("model_permission");
    JsonNode card = data.get(1);
    assertThat(card.get("id").stringValue()).isEqualTo("r8");
    assertThat(card.get("root").stringValue()).isEqualTo(folder.resolve("r8").toString());
    assertThat(card.get("parent").stringValue()).isEqualTo("fake/base");
    assertThat(card.get("max_model_len").isNull()).isTrue();

    JsonNode answer = server.complete("{\"model\":\"r8\",\"prompt\":\"On\"}").json();
    assertThat(answer.get("model").stringValue()).isEqualTo("r8");
    String version = answer.get("openlora").get("adapters").get(0).stringValue();
    assertThat(version).startsWith("r8@");
    assertThat(server.complete("{\"model\":\"" + version + "\",\"prompt\":\"On\"}").status())
        .isEqualTo(200);
    assertThat(server.get("/v1/models/r8").json().get("id").stringValue()).isEqualTo("r8");
    assertThat(server.get("/v1/models/fake/base").json().get("id").stringValue())
        .isEqualTo("fake/base");

    Answer removed = unload("r8");
    assertThat(removed.status()).isEqualTo(200);
    assertThat(removed.text()).isEqualTo("Success: LoRA adapter 'r8' removed successfully.");
    assertThat(removed.header("openlora-freed-bytes")).isEqualTo("1000");
    assertThat(server.complete("{\"model\":\"r8\",\"prompt\":\"On\"}").status()).isEqualTo(404);
  }

  @Test
  void neverAnswersForAModelThatIsNotThere() {
    for (String more : new String[] {"", ",\"stream\":true"}) {
      Answer answer = server.complete("{\"model\":\"nosuch\",\"prompt\":\"On\"" + more + "}");
      assertThat(answer.status()).isEqualTo(404);
      assertThat(answer.error()).isEqualTo("The model `nosuch` does not exist.");
      assertThat(answer.param()).isEqualTo("model");
      assertThat(answer.json().get("error").get("type").stringValue()).isEqualTo("NotFoundError");
    }
    assertThat(server.get("/v1/models/nosuch").status()).isEqualTo(404);
  }

  @Test
  void servesTheBaseWhenNoModelIsNamed() {
    assertThat(server.complete("{\"prompt\":\"On\"}").status()).isEqualTo(200);
    assertThat(server.complete("{\"model\":\"\",\"prompt\":\"On\"}").status()).isEqualTo(200);
    assertThat(server.complete("{\"model\":null,\"prompt\":\"On\"}").status()).isEqualTo(200);
  }

  @Test
  void refusesADuplicateUnlessInPlace() throws Exception {
    assertThat(load("r8", "lora", "").status()).isEqualTo(200);
    String before = server.get("/v1/models/r8").json().get("openlora").get("sha256").stringValue();
    Answer again = load("r8", "lora", "");
    assertThat(again.status()).isEqualTo(400);
    assertThat(again.error())
        .isEqualTo(
            "The lora adapter 'r8' has already been loaded. If you want to load the adapter in"
                + " place, set 'load_inplace' to True.");
    assertThat(again.json().get("error").get("type").stringValue()).isEqualTo("InvalidUserInput");
    assertThat(load("r8", "lora", ",\"load_inplace\":true,\"lora_int_id\":3").status())
        .isEqualTo(200);
    assertThat(server.get("/v1/models/r8").json().get("openlora").get("sha256").stringValue())
        .isNotEqualTo(before);
  }

  @Test
  void saysWhyAnAdapterIsNotServed() throws Exception {
    Answer broken = load("b", "broken", "");
    assertThat(broken.status()).isEqualTo(400);
    assertThat(broken.error())
        .isEqualTo("Loading lora b failed: adapter_model.safetensors: header too large");
    assertThat(load("u", "unsupported", "").status()).isEqualTo(400);
    assertThat(load("f", "big", "").status()).isEqualTo(507);
    assertThat(load("x@1", "lora", "").status()).isEqualTo(403);
    Answer missing =
        server.post("/v1/load_lora_adapter", "{\"lora_name\":\"m\",\"lora_path\":\"/no/such\"}");
    assertThat(missing.status()).isEqualTo(404);
    assertThat(missing.error()).isEqualTo("Loading lora m failed: No adapter found for /no/such");
    assertThat(server.get("/v1/models").json().get("data")).hasSize(1);
  }

  @Test
  void asksForNameAndPath() {
    for (String body :
        new String[] {
          "{\"lora_name\":\"\",\"lora_path\":\"/x\"}",
          "{\"lora_name\":\"x\"}",
          "{\"lora_path\":\"/x\"}",
          "{\"lora_name\":\"x\",\"lora_path\":\"\"}"
        }) {
      Answer answer = server.post("/v1/load_lora_adapter", body);
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.error()).isEqualTo("Both 'lora_name' and 'lora_path' must be provided.");
    }
    Answer path =
        server.post("/v1/load_lora_adapter", "{\"lora_name\":\"x\",\"lora_path\":\"a\\u0000b\"}");
    assertThat(path.status()).isEqualTo(400);
    assertThat(path.error()).startsWith("lora_path is not a path");
  }

  @Test
  void keepsTheBasesName() {
    Answer load =
        server.post("/v1/load_lora_adapter", "{\"lora_name\":\"fake/base\",\"lora_path\":\"/x\"}");
    assertThat(load.status()).isEqualTo(400);
    assertThat(load.error())
        .isEqualTo("The lora adapter 'fake/base' conflicts with a served base model.");
    Answer unload = unload("fake/base");
    assertThat(unload.status()).isEqualTo(404);
    assertThat(unload("r8").error()).isEqualTo("The lora adapter 'r8' cannot be found.");
  }

  @Test
  void keepsARunningRequestsVersion() throws Exception {
    server.close();
    FakeEngine engine = FakeEngine.stepped(512);
    server = TestServer.start(engine);
    load("r8", "lora", "");
    var running =
        server.client.sendAsync(
            server
                .request("/v1/completions")
                .header("content-type", "application/json")
                .POST(
                    java.net.http.HttpRequest.BodyPublishers.ofString(
                        "{\"model\":\"r8\",\"prompt\":\"On\",\"max_tokens\":1,\"n\":2}"))
                .build(),
            java.net.http.HttpResponse.BodyHandlers.ofString());
    server.until(() -> engine.runningCount() == 2);
    assertThat(unload("r8").status()).isEqualTo(200);
    assertThat(server.adapters.openLeases()).isEqualTo(1);
    engine.step();
    assertThat(running.get().statusCode()).isEqualTo(200);
    assertThat(server.adapters.openLeases()).isZero();
  }

  @Test
  void showsResidentAdaptersInOneSeries() throws Exception {
    load("r8", "lora", "");
    load("q\\u0022", "lora", "");
    server.complete("{\"model\":\"r8\",\"prompt\":\"On\",\"max_tokens\":3}");
    server.get("/nosuch");
    String metrics = server.get("/metrics").text();
    assertThat(metrics.lines().filter(line -> line.startsWith("vllm:lora_requests_info")).toList())
        .singleElement()
        .asString()
        .startsWith(
            "vllm:lora_requests_info{max_lora=\"1000\",running_lora_adapters=\"r8,q\\\"\","
                + "waiting_lora_adapters=\"\"} ");
    assertThat(metrics)
        .contains(
            "vllm:num_requests_waiting 0.0",
            "vllm:num_requests_running 0.0",
            "vllm:kv_cache_usage_perc 0.0",
            "openlora_requests_total{route=\"/v1/completions\",status=\"200\"} 1.0",
            "openlora_requests_total{route=\"none\",status=\"404\"} 1.0",
            "openlora_generation_duration_seconds_count{outcome=\"length\"} 1",
            "openlora_time_to_first_token_seconds_count 1",
            "openlora_inter_token_latency_seconds_count 2",
            "openlora_engine_steps_total 4.0",
            "openlora_adapters_loaded 2.0",
            "openlora_adapter_leases_open 0.0");
  }

  private Answer load(String name, String kind, String more) throws Exception {
    Path path = FakeAdapters.folder(folder, name.replaceAll("\\W", ""), kind);
    return server.post(
        "/v1/load_lora_adapter",
        "{\"lora_name\":\"" + name + "\",\"lora_path\":\"" + path + "\"" + more + "}");
  }

  private Answer unload(String name) {
    return server.post("/v1/unload_lora_adapter", "{\"lora_name\":\"" + name + "\"}");
  }
}
