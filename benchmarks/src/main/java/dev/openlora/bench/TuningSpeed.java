package dev.openlora.bench;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterShape;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.training.DecoderTraining;
import dev.openlora.engine.training.Example;
import dev.openlora.engine.training.ExampleSet;
import dev.openlora.engine.training.Trainer;
import dev.openlora.engine.training.TrainingConfig;
import dev.openlora.engine.training.TrainingEvent;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.kernels.TorchTrainingOps;
import dev.openlora.kernels.TrainingOps.Precision;
import dev.openlora.server.assembly.Machine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * How fast is LoRA tuning? Steps over the same kind of batch (random ids, all learned, all linear
 * layers adapted), in float32 and with bfloat16 products. With {@code --peer}, a command that does
 * the same elsewhere and ends with a JSON line that has {@code tok_s_median}, the two alternate
 * within one run; quote the ratio.
 *
 * <pre>
 * ./openlora bench tuning --model demo/tiny --peer "python peft_speed.py demo/tiny 16 128 8 20"
 * </pre>
 */
@Command(
    name = "tuning",
    mixinStandardHelpOptions = true,
    description = {
      "Tokens per second of LoRA tuning on a model, in float32 and with bfloat16 products;",
      "with --peer beside another program, in turns."
    })
final class TuningSpeed implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "the base")
  private Path model = Path.of("");

  @Option(names = "--rank", defaultValue = "8", description = "default: 8")
  private int rank;

  @Option(names = "--sequences", defaultValue = "16", description = "of a batch; default: 16")
  private int sequences;

  @Option(names = "--length", defaultValue = "128", description = "tokens of each; default: 128")
  private int length;

  @Option(names = "--steps", defaultValue = "20", description = "of each run; default: 20")
  private int steps;

  @Option(names = "--runs", defaultValue = "3", description = "of each way; default: 3")
  private int runs;

  @Option(names = "--threads", defaultValue = "0", description = "default: one per core")
  private int threads;

  @Option(names = "--peer", paramLabel = "COMMAND", description = "what to compare with, for sh -c")
  private @Nullable String peer;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (sequences < 1 || length < 2 || steps < 3 || runs < 1 || rank < 1) {
      throw new ParameterException(
          spec.commandLine(), "--sequences, --runs, --rank: at least 1; --length: 2; --steps: 3");
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(Machine.read().cpu());
    out.printf(
        "%s, LoRA r%d on all linear layers, %d x %d tokens a step%n",
        model, rank, sequences, length);
    List<Double> f32 = new ArrayList<>();
    List<Double> bf16 = new ArrayList<>();
    List<Double> other = new ArrayList<>();
    for (int run = 0; run < runs; run++) {
      f32.add(tokensPerSecond(Precision.F32));
      bf16.add(tokensPerSecond(Precision.BF16));
      if (peer != null) {
        other.add(peerTokensPerSecond(peer));
      }
      out.printf(
          Locale.ROOT,
          "run %d: float32 %.0f tok/s, bfloat16 products %.0f tok/s%s%n",
          run + 1,
          f32.getLast(),
          bf16.getLast(),
          other.isEmpty() ? "" : String.format(Locale.ROOT, ", peer %.0f tok/s", other.getLast()));
      out.flush();
    }
    if (!other.isEmpty()) {
      out.println("float32 / peer: " + ratios(f32, other));
      out.println("bfloat16 products / peer: " + ratios(bf16, other));
    }
    out.flush();
    return 0;
  }

  /** Run by run: what else the machine did hit both. */
  private static String ratios(List<Double> own, List<Double> other) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < own.size(); i++) {
      ratios.add(own.get(i) / other.get(i));
    }
    Spread spread = Spread.of(ratios);
    return String.format(
        Locale.ROOT, "%.2f [%.2f-%.2f]", spread.median(), spread.min(), spread.max());
  }

  /** The median step of a run. */
  private double tokensPerSecond(Precision precision) throws IOException {
    TorchLibrary library =
        TorchLibrary.load(
            new TorchLibrary.Options(null, threads, TorchLibrary.Waiting.ENVIRONMENT));
    DType weights = precision == Precision.F32 ? DType.F32 : DType.BF16;
    List<Double> rates = new ArrayList<>();
    try (TorchOps ops = new TorchOps(library, dev.openlora.kernels.Device.CPU);
        HuggingFaceModel base = HuggingFaceModel.open("base", model, ops, weights);
        TorchTrainingOps trainingOps = TorchTrainingOps.open(library, precision);
        DecoderTraining training = DecoderTraining.adapter(base, trainingOps, shape(base), 1)) {
      Trainer.Job job =
          new Trainer.Job(config(), ExampleSet.of(examples(base)), List.of(), null, Map.of());
      new Trainer(
              training,
              job,
              event -> {
                if (event instanceof TrainingEvent.Stepped step && step.step() > 2) {
                  rates.add(step.tokensPerSecond());
                }
              },
              () -> false)
          .run();
    } catch (AdapterException e) {
      throw new IOException(e);
    }
    rates.sort(null);
    return rates.get(rates.size() / 2);
  }

  private AdapterShape shape(HuggingFaceModel base) throws AdapterException {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .put("peft_type", "LORA")
        .put("task_type", "CAUSAL_LM")
        .put("r", rank)
        .put("lora_alpha", 2 * rank)
        .put("target_modules", "all-linear");
    return AdapterShape.of(config.toString().getBytes(StandardCharsets.UTF_8), base);
  }

  private TrainingConfig config() {
    int rows = sequences * (length - 1);
    return TrainingConfig.of(
        Map.of(
            "steps",
            String.valueOf(steps),
            "batch_tokens",
            String.valueOf(rows),
            "max_length",
            String.valueOf(length),
            "learning_rate",
            "0.001",
            "checkpoint_every",
            "0",
            "evaluate_every",
            "0"));
  }

  private List<Example> examples(HuggingFaceModel base) {
    Random random = new Random(1);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      boolean[] learned = new boolean[length];
      Arrays.fill(learned, true);
      examples.add(new Example(random.ints(length, 0, base.vocabularySize()).toArray(), learned));
    }
    return examples;
  }

  private static double peerTokensPerSecond(String command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("sh", "-c", command)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String last = "";
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
        Stream<String> lines = reader.lines()) {
      for (String line : (Iterable<String>) lines::iterator) {
        last = line.isBlank() ? last : line;
      }
    }
    int status = process.waitFor();
    if (status != 0 || !last.startsWith("{")) {
      throw new IOException("--peer: status " + status + ", last line '" + last + "'");
    }
    return JsonMapper.shared().readTree(last).path("tok_s_median").asDouble();
  }
}
