package dev.openlora.bench.step;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRoots;
import dev.openlora.adapter.LocalAdapterRegistry;
import dev.openlora.kernels.DType;
import dev.openlora.server.assembly.Machine;
import dev.openlora.server.demo.ModelShape;
import dev.openlora.server.demo.RandomModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/**
 * LoRA adapters of random numbers on all linear layers, written to a temporary folder and loaded
 * from there as a server loads them. One thread; close once.
 */
final class RandomAdapters implements AutoCloseable {
  private static final Set<String> TARGETS =
      Set.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");
  private static final long MIB = 1024 * 1024;

  private final ModelShape shape;
  private final long seed;
  private final Path folder;
  private final LocalAdapterRegistry registry;
  private int groups;

  private RandomAdapters(ModelShape shape, long seed, Path folder, LocalAdapterRegistry registry) {
    this.shape = shape;
    this.seed = seed;
    this.folder = folder;
    this.registry = registry;
  }

  /** Adapters that are loaded and dropped together. */
  static final class Group {
    private final Path folder;
    private final List<String> names;
    private final String prefix;

    private Group(Path folder, List<String> names, String prefix) {
      this.folder = folder;
      this.names = names;
      this.prefix = prefix;
    }
  }

  static RandomAdapters open(OpenBase base, long seed) throws IOException {
    Path folder = Files.createTempDirectory("openlora-bench-");
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      // A line for each of hundreds of loads would hide the figures.
      context.getLogger(LocalAdapterRegistry.class).setLevel(Level.WARN);
    }
    long bytesMax = Math.max(64, Machine.read().availableMiB() / 2) * MIB;
    return new RandomAdapters(
        ModelShape.read(base.model().folder()),
        seed,
        folder,
        new LocalAdapterRegistry(
            base.model(), base.ops(), AdapterRoots.of(List.of(folder)), bytesMax));
  }

  /** Writes adapters of these ranks; no two groups have equal ones. */
  Group write(RankList ranks, LongConsumer eachDone) throws IOException {
    String prefix = "group-" + groups++;
    Path files = folder.resolve(prefix);
    List<String> names =
        new RandomModel(shape, seed + 1000L * groups, DType.BF16)
            .writeAdapters(
                files,
                new RandomModel.AdapterPlan(
                    ranks.size(),
                    ranks.ranks().isEmpty() ? List.of(1) : ranks.ranks(),
                    List.of("lora"),
                    TARGETS),
                eachDone);
    return new Group(files, names, prefix);
  }

  List<Adapter> load(Group group) throws IOException {
    List<Adapter> adapters = new ArrayList<>();
    try {
      for (String name : group.names) {
        adapters.add(registry.load(group.prefix + "/" + name, group.folder.resolve(name), false));
      }
    } catch (AdapterException e) {
      throw new IOException("adapter " + adapters.size() + ": " + e.getMessage(), e);
    }
    return adapters;
  }

  void unload(Group group) throws IOException {
    try {
      for (String name : group.names) {
        registry.unload(group.prefix + "/" + name);
      }
    } catch (AdapterException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Bytes that loaded adapters hold. */
  long heldBytes() {
    return registry.heldBytes();
  }

  @Override
  public void close() throws IOException {
    registry.close();
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(file -> {
            try {
              Files.delete(file);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }
}
