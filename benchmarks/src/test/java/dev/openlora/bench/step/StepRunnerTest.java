package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.adapter.Adapter;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.TensorArena;
import dev.openlora.server.demo.ModelShape;
import dev.openlora.server.demo.RandomModel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** On the portable operations, which run everywhere. */
class StepRunnerTest {
  private static ModelShape tiny() {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .put("model_type", "llama")
        .put("hidden_size", 32)
        .put("intermediate_size", 48)
        .put("num_hidden_layers", 2)
        .put("num_attention_heads", 4)
        .put("num_key_value_heads", 2)
        .put("vocab_size", 600)
        .put("max_position_embeddings", 256)
        .put("rms_norm_eps", 1e-5)
        .put("rope_theta", 10_000)
        .put("hidden_act", "silu")
        .put("tie_word_embeddings", true)
        .put("bos_token_id", 1)
        .put("eos_token_id", 2);
    config.putArray("architectures").add("LlamaForCausalLM");
    return ModelShape.of(config);
  }

  private static OpenBase open(Path folder) throws Exception {
    new RandomModel(tiny(), 1, DType.F32).write(folder, bytes -> {});
    return OpenBase.open(
        CommandLine.populateCommand(
            new BaseFlags(), "--model", folder.toString(), "--kernels", "portable"));
  }

  @Test
  void timedAndPlainStepsSampleTheSameTokensAndNothingLeaks(@TempDir Path folder) throws Exception {
    int arenas = TensorArena.openArenas();
    StepShape shape = StepShape.decode(3, 20);
    OperationTally forward = new OperationTally();
    OperationTally head = new OperationTally();
    try (OpenBase base = open(folder)) {
      TimedOps timed = new TimedOps(base.ops(), forward);
      try (StepRunner plain = new StepRunner(base.model(), base.ops(), shape, List.of(), 5);
          StepRunner split = new StepRunner(base.model(), timed, shape, List.of(), 5)) {
        StepSample expected = plain.step();
        StepSample sample = split.step(() -> timed.into(head));
        assertThat(sample.tokens()).isEqualTo(expected.tokens());
        assertThat(plain.step().tokens()).isEqualTo(expected.tokens());
        // Seven matrices in each of two layers, of them gate and up in one operation; and the head.
        assertThat(forward.calls(Operation.LINEAR)).isEqualTo(6);
        assertThat(forward.calls(Operation.GATED_LINEAR)).isEqualTo(2);
        assertThat(head.calls(Operation.LINEAR)).isEqualTo(1);
        assertThat(forward.calls(Operation.ATTENTION)).isEqualTo(2);
        assertThat(forward.calls(Operation.ROPE)).isEqualTo(4);
        SplitSample parts = SplitSample.of(sample, forward, head);
        assertThat(parts.nanos().values().stream().mapToLong(Long::longValue).sum())
            .isEqualTo(sample.nanos());
        assertThat(parts.nanos(Part.JAVA)).isPositive();
        // A row of logits each, as the engine reads it.
        assertThat(expected.samplingBytes()).isGreaterThanOrEqualTo(3 * 600 * 4);
        assertThat(expected.decoderBytes()).isPositive();
      }
    }
    assertThat(TensorArena.openArenas()).isEqualTo(arenas);
  }

  @Test
  void adaptersOfTheirRanksChangeTheLogits(@TempDir Path folder) throws Exception {
    StepShape shape = StepShape.decode(2, 0);
    try (OpenBase base = open(folder);
        RandomAdapters files = RandomAdapters.open(base, 3)) {
      RandomAdapters.Group first = files.write(RankList.parse("4,2"), done -> {});
      RandomAdapters.Group second = files.write(RankList.of(1, 4), done -> {});
      List<Adapter> loaded = files.load(first);
      assertThat(loaded).extracting(Adapter::rank).containsExactly(4, 2);
      long bytes = files.heldBytes();
      assertThat(files.load(second)).hasSize(1);
      assertThat(files.heldBytes()).isGreaterThan(bytes);
      files.unload(second);
      assertThat(files.heldBytes()).isEqualTo(bytes);
      try (StepRunner plain = new StepRunner(base.model(), base.ops(), shape, List.of(), 5);
          StepRunner adapted = new StepRunner(base.model(), base.ops(), shape, loaded, 5)) {
        assertThat(adapted.lastLogits()).isNotEqualTo(plain.lastLogits());
        assertThat(plain.lastLogits()).isEqualTo(plain.lastLogits());
      }
    }
  }

  @Test
  void shapesAreThoseOfTheModel(@TempDir Path folder) throws Exception {
    try (OpenBase base = open(folder)) {
      MatrixShapes shapes = base.shapes();
      // q, o: 32 x 32; k, v: 16 x 32; gate, up, down: 48 x 32; the head: 600 x 32; four bytes.
      assertThat(shapes.layerElements()).isEqualTo(2 * (2 * 1024 + 2 * 512 + 3 * 1536));
      assertThat(shapes.weightBytes()).isEqualTo(4 * (2 * 7680 + 19_200));
      assertThat(shapes.layers()).hasSize(14);
    }
  }
}
