package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.text.SharedFiles;
import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What transformers + PEFT compute, case by case: log-probs of prompts and of greedy tokens, each
 * case alone and then all prompts of a base in one go. Tolerances: golden/README.md.
 */
class GoldenTest {
  @TestFactory
  Stream<DynamicContainer> inFloat32() throws Exception {
    return containers(Operations.PORTABLE, DType.F32);
  }

  @TestFactory
  Stream<DynamicContainer> inBfloat16() throws Exception {
    return containers(Operations.PORTABLE, DType.BF16);
  }

  @TestFactory
  Stream<DynamicContainer> inFloat32OnNativeKernels() throws Exception {
    return containers(Operations.NATIVE, DType.F32);
  }

  @TestFactory
  Stream<DynamicContainer> inBfloat16OnNativeKernels() throws Exception {
    return containers(Operations.NATIVE, DType.BF16);
  }

  private enum Operations {
    PORTABLE,
    NATIVE;

    Ops open() throws IOException {
      Ops portable = TorchOps.openDefault();
      return this == PORTABLE ? portable : CpuOps.open(portable, CpuOps.Options.of(2));
    }
  }

  private static Stream<DynamicContainer> containers(Operations operations, DType dtype)
      throws Exception {
    Path golden = SharedFiles.require("golden");
    List<DynamicContainer> bases = new ArrayList<>();
    for (Map.Entry<Path, List<GoldenCases.Case>> base : GoldenCases.byBase(golden).entrySet()) {
      TestEngine[] shared = new TestEngine[1];
      List<DynamicTest> tests = new ArrayList<>();
      List<Asked> asked = new ArrayList<>();
      tests.add(
          DynamicTest.dynamicTest(
              "opens",
              () ->
                  shared[0] =
                      TestEngine.open(
                          operations::open, base.getKey(), dtype, EngineConfig.DEFAULT, golden)));
      for (GoldenCases.Case golden1 : base.getValue()) {
        tests.add(
            DynamicTest.dynamicTest(
                golden1.name(), () -> asked.addAll(alone(shared[0], golden1, dtype))));
      }
      tests.add(DynamicTest.dynamicTest("all together", () -> together(shared[0], asked, dtype)));
      tests.add(DynamicTest.dynamicTest("closes without a leak", () -> shared[0].close()));
      bases.add(DynamicContainer.dynamicContainer(base.getKey().getFileName().toString(), tests));
    }
    return bases.stream();
  }

  private record Asked(GoldenCases.Case golden, GoldenCases.Prompt prompt) {}

  private static List<Asked> alone(TestEngine engine, GoldenCases.Case golden, DType dtype)
      throws Exception {
    List<Asked> asked = new ArrayList<>();
    try {
      for (int i = 0; i < golden.adapters().size(); i++) {
        engine.registry().load(golden.name() + "-" + i, golden.adapters().get(i), false);
      }
    } catch (AdapterException refusal) {
      assertThat(golden.mustServe()).as("refused: " + refusal.getMessage()).isFalse();
      assertThat(refusal.reason())
          .as(refusal.getMessage())
          .isEqualTo(AdapterException.Reason.UNSUPPORTED);
      return asked;
    }
    for (GoldenCases.Prompt prompt : golden.prompts()) {
      check(golden, prompt, submit(engine, golden, prompt).succeeded(), dtype);
      asked.add(new Asked(golden, prompt));
    }
    return asked;
  }

  private static void together(TestEngine engine, List<Asked> asked, DType dtype) throws Exception {
    List<Collected> answers = new ArrayList<>();
    for (Asked one : asked) {
      answers.add(submit(engine, one.golden(), one.prompt()));
    }
    for (int i = 0; i < answers.size(); i++) {
      check(asked.get(i).golden(), asked.get(i).prompt(), answers.get(i).succeeded(), dtype);
    }
  }

  private static Collected submit(
      TestEngine engine, GoldenCases.Case golden, GoldenCases.Prompt prompt) throws Exception {
    List<ScaledAdapter> adapters = new ArrayList<>();
    for (int i = 0; i < golden.adapters().size(); i++) {
      AdapterLease lease = engine.registry().acquire(golden.name() + "-" + i).orElseThrow();
      adapters.add(new ScaledAdapter(lease, golden.scales().get(i)));
    }
    SamplingParams greedy = TestEngine.greedy(Math.max(1, prompt.greedyIds().size()), 0, 0);
    return engine.submit(new GenerationRequest(golden.name(), prompt.ids(), adapters, greedy));
  }

  private static void check(
      GoldenCases.Case golden, GoldenCases.Prompt prompt, Collected answer, DType dtype) {
    double tolerance = dtype == DType.F32 ? 1e-4 : 1.5 * golden.bf16MaxDelta() + 0.02;
    for (int i = 1; i < prompt.ids().length; i++) {
      assertThat((double) answer.promptLogprobs.get(i).getFirst().logprob())
          .as(golden.name() + ", prompt token " + i)
          .isCloseTo(prompt.promptLogprobs()[i], Offset.offset(tolerance));
    }
    for (int i = 0; i < prompt.greedyIds().size(); i++) {
      if (!answer.tokenIds.get(i).equals(prompt.greedyIds().get(i))) {
        boolean tie = prompt.gaps().subList(0, i + 1).stream().anyMatch(gap -> gap < 1e-3);
        assertThat(tie || dtype == DType.BF16)
            .as(golden.name() + ": greedy ids part at step " + i)
            .isTrue();
        return;
      }
      assertThat((double) answer.logprobs.get(i).getFirst().logprob())
          .as(golden.name() + ", greedy token " + i)
          .isCloseTo(prompt.greedyLogprobs().get(i), Offset.offset(tolerance));
    }
  }
}
