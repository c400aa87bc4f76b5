package dev.openlora.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The cases of {@code ../shared/golden}: inputs, and what transformers + PEFT computed for them.
 */
final class GoldenCases {
  private static final JsonMapper JSON = new JsonMapper();

  private GoldenCases() {}

  /** One case; adapters are folders with scales. */
  record Case(
      String name,
      String base,
      int stage,
      boolean mustServe,
      List<Path> adapters,
      List<Float> scales,
      double bf16MaxDelta,
      List<Prompt> prompts) {}

  /** One prompt of a case, and its values; greedy lists are empty where the case has none. */
  record Prompt(
      int[] ids,
      float[] promptLogprobs,
      List<Integer> greedyIds,
      List<Float> greedyLogprobs,
      List<Float> gaps) {}

  /** The stage-1 cases by base folder; merges are another command's. */
  static Map<Path, List<Case>> byBase(Path golden) throws IOException {
    Map<Path, List<Case>> all = new LinkedHashMap<>();
    for (JsonNode entry : read(golden.resolve("cases.json")).get("cases")) {
      if (entry.get("stage").intValue() == 1) {
        Case golden1 =
            parse(
                golden, read(golden.resolve("cases/" + entry.get("name").stringValue() + ".json")));
        all.computeIfAbsent(
                golden.resolve(golden1.base()).normalize(), ignored -> new ArrayList<>())
            .add(golden1);
      }
    }
    return all;
  }

  private static JsonNode read(Path file) throws IOException {
    return JSON.readTree(Files.readString(file));
  }

  private static Case parse(Path golden, JsonNode node) {
    List<Path> adapters = new ArrayList<>();
    List<Float> scales = new ArrayList<>();
    for (JsonNode adapter : node.get("adapters")) {
      adapters.add(golden.resolve(adapter.get("path").stringValue()));
      scales.add(adapter.has("scale") ? (float) adapter.get("scale").doubleValue() : 1f);
    }
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode result : node.get("results")) {
      JsonNode greedy = result.get("greedy");
      prompts.add(
          new Prompt(
              ints(result.get("ids")).stream().mapToInt(Integer::intValue).toArray(),
              promptLogprobs(result.get("prompt_logprobs")),
              greedy == null ? List.of() : ints(greedy.get("ids")),
              greedy == null ? List.of() : floats(greedy.get("logprobs")),
              greedy == null ? List.of() : floats(greedy.get("gaps"))));
    }
    return new Case(
        node.get("name").stringValue(),
        node.get("base").stringValue(),
        node.get("stage").intValue(),
        node.get("expect").stringValue().equals("serve"),
        adapters,
        scales,
        node.has("hf_bf16_max_delta") ? node.get("hf_bf16_max_delta").doubleValue() : 0.3,
        prompts);
  }

  private static float[] promptLogprobs(JsonNode list) {
    float[] values = new float[list.size()];
    for (int i = 1; i < values.length; i++) {
      values[i] = (float) list.get(i).doubleValue();
    }
    return values;
  }

  private static List<Integer> ints(JsonNode list) {
    List<Integer> values = new ArrayList<>();
    list.forEach(item -> values.add(item.intValue()));
    return values;
  }

  private static List<Float> floats(JsonNode list) {
    List<Float> values = new ArrayList<>();
    list.forEach(item -> values.add((float) item.doubleValue()));
    return values;
  }
}
