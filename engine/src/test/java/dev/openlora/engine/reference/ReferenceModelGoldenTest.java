package dev.openlora.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.model.ModelConfig;
import dev.openlora.engine.text.SharedFiles;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The reference against what transformers and PEFT computed: only with this is it a reference. Base
 * weights come through a reader of its own, so that no fault is shared with the serving path;
 * adapters come as the loader reads them.
 */
class ReferenceModelGoldenTest {
  private static final float TOLERANCE = 1e-4f;

  @TestFactory
  List<DynamicTest> computesWhatTransformersComputed() throws IOException {
    Path golden = SharedFiles.require("golden/cases.json");
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode entry : read(golden).get("cases")) {
      String name = entry.get("name").stringValue();
      if (name.startsWith("base-") && entry.get("stage").intValue() == 1) {
        Path base = golden.resolveSibling(entry.get("base").stringValue()).normalize();
        Path results = golden.resolveSibling("cases").resolve(name + ".json");
        tests.add(DynamicTest.dynamicTest(name, () -> check(base, results)));
      }
    }
    assertThat(tests).as("base cases of stage 1").isNotEmpty();
    return tests;
  }

  @TestFactory
  List<DynamicTest> computesWhatPeftComputed() throws IOException {
    Path golden = SharedFiles.require("golden/cases.json");
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode entry : read(golden).get("cases")) {
      boolean served = entry.get("expect").stringValue().equals("serve");
      if (served && !entry.get("adapters").isEmpty() && entry.get("stage").intValue() == 1) {
        tests.add(
            DynamicTest.dynamicTest(
                entry.get("name").stringValue(), () -> checkAdapters(golden, entry)));
      }
    }
    assertThat(tests).as("adapter cases of stage 1").isNotEmpty();
    return tests;
  }

  private static void checkAdapters(Path golden, JsonNode entry) throws Exception {
    Path base = golden.resolveSibling(entry.get("base").stringValue()).normalize();
    Path results =
        golden.resolveSibling("cases").resolve(entry.get("name").stringValue() + ".json");
    List<ReferenceAdapter> twins = new ArrayList<>();
    List<int[]> invocations = new ArrayList<>();
    try (Ops ops = new ReferenceOps();
        HuggingFaceModel served = HuggingFaceModel.open("golden", base, ops, DType.F32);
        ReferenceModel model = open(base)) {
      for (JsonNode adapter : entry.get("adapters")) {
        Path folder = golden.resolveSibling(adapter.get("path").stringValue());
        try (LoadedAdapter loaded = AdapterLoader.load("golden", folder, served, ops)) {
          twins.add(ReferenceAdapter.of(loaded, served));
          invocations.add(loaded.invocationTokens());
        }
      }
      for (JsonNode result : read(results).get("results")) {
        List<ReferenceModel.Applied> applied = new ArrayList<>();
        for (int i = 0; i < twins.size(); i++) {
          JsonNode scale = entry.get("adapters").get(i).path("scale");
          float factor = scale.isNumber() ? scale.floatValue() : 1;
          int from = lastOccurrence(invocations.get(i), result.get("ids"));
          applied.add(new ReferenceModel.Applied(twins.get(i), factor, from));
        }
        check(model, result, applied);
      }
    } finally {
      twins.forEach(ReferenceAdapter::close);
    }
  }

  /** Where aLoRA begins to act; far beyond any sequence where its tokens do not occur. */
  private static int lastOccurrence(int[] wanted, JsonNode prompt) {
    for (int start = prompt.size() - wanted.length; start >= 0 && wanted.length > 0; start--) {
      int matched = 0;
      while (matched < wanted.length && prompt.get(start + matched).intValue() == wanted[matched]) {
        matched++;
      }
      if (matched == wanted.length) {
        return start;
      }
    }
    return wanted.length == 0 ? 0 : Integer.MAX_VALUE;
  }

  private static void check(Path base, Path results) throws IOException {
    try (ReferenceModel model = open(base)) {
      for (JsonNode result : read(results).get("results")) {
        check(model, result, List.of());
      }
    }
  }

  static ReferenceModel open(Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    Architecture architecture = ModelConfig.parse(config.toString(), read(config));
    NamedArrays weights = new NamedArrays();
    PlainSafetensors.readFolder(
        folder, (name, array) -> weights.put(name, array.values(), array.shape()));
    if (architecture.tiedEmbeddings()) {
      weights.alias("lm_head.weight", "model.embed_tokens.weight");
    }
    return new ReferenceModel(architecture, weights);
  }

  /** One pass over prompt and greedy tokens: a token's log-prob stands in the row before it. */
  private static void check(
      ReferenceModel model, JsonNode result, List<ReferenceModel.Applied> adapters) {
    JsonNode prompt = result.get("ids");
    JsonNode greedy = result.path("greedy"); // absent where the case has a prompt only
    int[] ids = new int[prompt.size() + greedy.path("ids").size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = i < prompt.size() ? prompt.get(i) : greedy.get("ids").get(i - prompt.size());
      ids[i] = id.intValue();
    }
    float[][] logProbs = model.logProbs(ids, adapters);
    for (int i = 1; i < ids.length; i++) {
      JsonNode expected =
          i < prompt.size()
              ? result.get("prompt_logprobs").get(i)
              : greedy.get("logprobs").get(i - prompt.size());
      assertThat(logProbs[i - 1][ids[i]])
          .as("log-prob of id %d at %d of %d prompt ids", ids[i], i, prompt.size())
          .isCloseTo(expected.floatValue(), within(TOLERANCE));
    }
    for (JsonNode top : result.path("top5_last")) {
      assertThat(logProbs[prompt.size() - 1][top.get(0).intValue()])
          .isCloseTo(top.get(1).floatValue(), within(TOLERANCE));
    }
  }

  private static JsonNode read(Path json) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(json));
  }
}
