package dev.openlora.server.cli;

import dev.openlora.kernels.DType;
import dev.openlora.server.demo.ModelShape;
import dev.openlora.server.demo.RandomModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a model of random numbers, and adapters for it. */
@Command(
    name = "random-model",
    mixinStandardHelpOptions = true,
    description = {
      "Write a Hugging Face folder with random weights of a given shape, for speed tests.",
      "With --adapters N, also N adapters into OUT-adapters (or --adapters-dir)."
    })
final class RandomModelCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "OUT", description = "folder to write; must be new or empty")
  private Path out = Path.of("");

  @Option(
      names = "--config",
      required = true,
      paramLabel = "PATH",
      description = "config.json, or a folder with one, that gives the shape")
  private Path config = Path.of("");

  @Option(names = "--adapters", paramLabel = "N", description = "how many adapters (default: 0)")
  private int adapters;

  @Option(names = "--adapters-dir", paramLabel = "DIR", description = "where adapters go")
  private @Nullable Path adaptersFolder;

  @Option(
      names = "--rank",
      split = ",",
      paramLabel = "R",
      description = "ranks, taken in turn (default: ${DEFAULT-VALUE})",
      defaultValue = "16")
  private List<Integer> ranks = List.of();

  @Option(
      names = "--targets",
      split = ",",
      paramLabel = "MODULE",
      description = "modules that adapters change (default: ${DEFAULT-VALUE})",
      defaultValue = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj")
  private Set<String> targets = Set.of();

  @Option(
      names = "--kind",
      split = ",",
      paramLabel = "KIND",
      description = "lora, rslora, dora; several are taken in turn (default: ${DEFAULT-VALUE})",
      defaultValue = "lora")
  private List<String> kinds = List.of();

  @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "default: 1")
  private long seed;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "bfloat16",
      description = "bfloat16 or float32 (default: ${DEFAULT-VALUE})")
  private String dtype = "";

  @Override
  public Integer call() throws IOException {
    RandomModel model;
    RandomModel.AdapterPlan plan;
    try {
      model = new RandomModel(ModelShape.read(config), seed, type());
      plan = new RandomModel.AdapterPlan(adapters, ranks, kinds, targets);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(2, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure(2, "--config: cannot read '" + config + "': " + e);
    }
    refuseFull(out);
    Path folder =
        adaptersFolder != null
            ? adaptersFolder
            : out.resolveSibling(out.getFileName() + "-adapters");
    if (adapters > 0) {
      refuseFull(folder);
    }
    try (Progress progress = Progress.ofBytes("weights", model.bytes())) {
      model.write(out, progress::advance);
    }
    PrintWriter print = spec.commandLine().getOut();
    print.println(out + ": " + model.bytes() / (1024 * 1024) + " MiB of random weights");
    if (adapters > 0) {
      try (Progress progress = Progress.of("adapters", adapters)) {
        model.writeAdapters(folder, plan, progress::advance);
      } catch (IllegalArgumentException e) {
        throw new CommandFailure(2, String.valueOf(e.getMessage()));
      }
      print.println(folder + ": " + adapters + " random adapters");
    }
    print.flush();
    return 0;
  }

  private DType type() {
    return switch (dtype) {
      case "bfloat16" -> DType.BF16;
      case "float32" -> DType.F32;
      default ->
          throw new IllegalArgumentException(
              "--dtype: '" + dtype + "' (expected: bfloat16 or float32)");
    };
  }

  private static void refuseFull(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (var entries = Files.newDirectoryStream(folder)) {
        if (entries.iterator().hasNext()) {
          throw new CommandFailure(2, "'" + folder + "' is not empty (expected: a new folder)");
        }
      }
    }
  }
}
