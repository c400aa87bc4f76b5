package dev.openlora.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.engine.TinyAdapters;
import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.Decoder;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The serving path's decoder against the reference, in float32: random models, random adapters of
 * every kind, and each way in which a scheduler may cut sequences into steps. The same log-probs
 * whatever shares the batch is what keeps tenants apart.
 */
class DecoderAgainstReferenceTest {
  private static final double TOLERANCE = 2e-4;
  private static final double EFFECT_MIN = 0.01;
  private static final int POSITIONS = 64;

  @TempDir private Path folder;

  /** What runs the decoder's operations. */
  enum Operations {
    TORCH(10),
    REFERENCE(3);

    private final int rounds;

    Operations(int rounds) {
      this.rounds = rounds;
    }

    Ops open() throws IOException {
      return switch (this) {
        case TORCH -> TorchOps.openDefault();
        case REFERENCE -> new ReferenceOps();
      };
    }
  }

  /** How sequences are cut into steps. */
  private interface Cut {
    void run(PagedSequences paged, Ops ops, List<PagedSequences.Sequence> sequences, Random random);
  }

  @ParameterizedTest
  @EnumSource
  void computesASequenceInOneGo(Operations operations) throws Exception {
    check(
        operations,
        "one go",
        (paged, ops, sequences, random) -> {
          for (PagedSequences.Sequence sequence : sequences) {
            paged.step(ops, List.of(new PagedSequences.Chunk(sequence, sequence.remaining())));
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void computesASequenceInChunksThroughThePages(Operations operations) throws Exception {
    check(
        operations,
        "chunks",
        (paged, ops, sequences, random) -> {
          for (PagedSequences.Sequence sequence : sequences) {
            while (sequence.remaining() > 0) {
              paged.step(ops, List.of(chunk(sequence, random)));
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void computesASequenceAmongOthersWithOtherAdapters(Operations operations) throws Exception {
    check(operations, "mixed", DecoderAgainstReferenceTest::mix);
  }

  private static void mix(
      PagedSequences paged, Ops ops, List<PagedSequences.Sequence> sequences, Random random) {
    while (sequences.stream().anyMatch(sequence -> sequence.remaining() > 0)) {
      List<PagedSequences.Chunk> chunks = new ArrayList<>();
      for (PagedSequences.Sequence sequence : sequences) {
        if (sequence.remaining() > 0 && random.nextInt(4) > 0) {
          chunks.add(chunk(sequence, random));
        }
      }
      java.util.Collections.shuffle(chunks, random);
      if (!chunks.isEmpty()) {
        paged.step(ops, chunks);
      }
    }
  }

  /** One row as in decoding, or a few, or all that is left. */
  private static PagedSequences.Chunk chunk(PagedSequences.Sequence sequence, Random random) {
    int rows =
        switch (random.nextInt(3)) {
          case 0 -> 1;
          case 1 -> 1 + random.nextInt(Math.min(8, sequence.remaining()));
          default -> sequence.remaining();
        };
    return new PagedSequences.Chunk(sequence, rows);
  }

  private void check(Operations operations, String name, Cut cut) throws Exception {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
    System.out.println(
        "DecoderAgainstReferenceTest " + operations + ", " + name + ": -Dtests.seed=" + seed);
    Random random = new Random(seed);
    int arenas = TensorArena.openArenas();
    try (Ops ops = operations.open()) {
      for (int round = 0; round < operations.rounds; round++) {
        Path path = folder.resolve("round-" + round);
        TinySpec spec = TinySpec.random(random);
        TinyModels.write(path, spec, random.nextLong());
        try (HuggingFaceModel model = HuggingFaceModel.open("tiny", path, ops, DType.F32);
            Scenario scenario = new Scenario(model, ops, path, random)) {
          scenario.run(cut, "seed " + seed + ", " + name + ", " + spec);
        }
      }
    }
    assertThat(TensorArena.openArenas()).as("arenas left open").isEqualTo(arenas);
  }

  /** A model with some adapters, and sequences that use them. */
  private static final class Scenario implements AutoCloseable {
    private final HuggingFaceModel model;
    private final Ops ops;
    private final Random random;
    private final ReferenceModel reference;
    private final List<Loaded> adapters = new ArrayList<>();

    private record Loaded(String kind, LoadedAdapter adapter, ReferenceAdapter twin) {}

    private record Wanted(int[] ids, List<Loaded> adapters, List<ReferenceModel.Applied> applied) {
      List<PagedSequences.Applied> paged() {
        List<PagedSequences.Applied> all = new ArrayList<>();
        for (int i = 0; i < adapters.size(); i++) {
          ReferenceModel.Applied twin = applied.get(i);
          all.add(
              new PagedSequences.Applied(
                  adapters.get(i).adapter(), twin.scale(), twin.activeFrom()));
        }
        return all;
      }

      /** Replaced token rows and late adapters may have met no token of the sequence. */
      boolean mustDiffer() {
        return adapters.stream()
            .anyMatch(a -> !a.kind().equals("ALORA") && !a.kind().equals("TOKEN_INDICES"));
      }

      String describe() {
        return ids.length
            + " ids with "
            + adapters.stream().map(Loaded::kind).toList()
            + applied.stream().map(a -> " x" + a.scale() + " from " + a.activeFrom()).toList();
      }
    }

    Scenario(HuggingFaceModel model, Ops ops, Path folder, Random random) throws AdapterException {
      this.model = model;
      this.ops = ops;
      this.random = random;
      reference = ReferenceModel.of(model);
      List<TinyAdapters.Kind> kinds = new ArrayList<>(TinyAdapters.kinds(model));
      java.util.Collections.shuffle(kinds, random);
      for (TinyAdapters.Kind kind : kinds.subList(0, 6)) {
        Path written =
            TinyAdapters.write(
                folder.resolve(TinyAdapters.name(kind)), model, kind, random.nextLong());
        LoadedAdapter adapter = AdapterLoader.load(TinyAdapters.name(kind), written, model, ops);
        adapters.add(new Loaded(kind.name(), adapter, ReferenceAdapter.of(adapter, model)));
      }
    }

    void run(Cut cut, String what) {
      int pageSize = 1 + random.nextInt(16);
      List<Wanted> wanted = wanted();
      int pages = wanted.stream().mapToInt(w -> (w.ids().length + pageSize - 1) / pageSize).sum();
      try (Decoder decoder = new Decoder(model, ops, POSITIONS, pages + 3, pageSize)) {
        PagedSequences paged = new PagedSequences(decoder, pages + 3, pageSize, random);
        List<PagedSequences.Sequence> sequences =
            wanted.stream().map(w -> paged.add(w.ids(), w.paged())).toList();
        cut.run(paged, ops, sequences, random);
        for (int i = 0; i < wanted.size(); i++) {
          Wanted w = wanted.get(i);
          String where = what + ", pages of " + pageSize + ", " + w.describe();
          float[][] expected = reference.logProbs(w.ids(), w.applied());
          assertThat(sequences.get(i).logProbs)
              .as(where)
              .hasDimensions(w.ids().length, model.vocabularySize());
          assertThat(largestDifference(sequences.get(i).logProbs, expected))
              .as(where)
              .isLessThanOrEqualTo(TOLERANCE);
          if (w.mustDiffer()) {
            float[][] base = reference.logProbs(w.ids(), List.of());
            assertThat(largestDifference(base, expected))
                .as("effect, " + where)
                .isGreaterThan(EFFECT_MIN);
          }
        }
      }
    }

    /** The base twice, each adapter once, and every scalable one once more beside the first. */
    private List<Wanted> wanted() {
      List<Wanted> all = new ArrayList<>();
      all.add(wanted(List.of()));
      List<Loaded> scalable = adapters.stream().filter(a -> a.adapter().scalable()).toList();
      for (Loaded adapter : adapters) {
        all.add(wanted(List.of(adapter)));
        if (scalable.contains(adapter) && adapter != scalable.getFirst()) {
          all.add(wanted(List.of(adapter, scalable.getFirst())));
        }
      }
      all.add(wanted(List.of()));
      return all;
    }

    private Wanted wanted(List<Loaded> chosen) {
      int[] ids = random.ints(1 + random.nextInt(POSITIONS), 0, model.vocabularySize()).toArray();
      List<ReferenceModel.Applied> applied = new ArrayList<>();
      for (Loaded adapter : chosen) {
        float scale = adapter.adapter().scalable() ? 0.25f + random.nextFloat() : 1;
        boolean late = adapter.adapter().invocationTokens().length > 0;
        int from = late ? random.nextInt(ids.length + 3) : 0;
        applied.add(new ReferenceModel.Applied(adapter.twin(), scale, from));
      }
      return new Wanted(ids, chosen, applied);
    }

    /** NaN where there is one. */
    private static double largestDifference(float[][] some, float[][] others) {
      double largest = 0;
      for (int row = 0; row < others.length; row++) {
        for (int id = 0; id < others[row].length; id++) {
          largest = Math.max(largest, Math.abs(some[row][id] - others[row][id]));
        }
      }
      return largest;
    }

    @Override
    public void close() {
      for (Loaded loaded : adapters) {
        loaded.twin().close();
        loaded.adapter().close();
      }
      reference.close();
    }
  }
}
