package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRoots;
import dev.openlora.adapter.LocalAdapterRegistry;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An engine with its registry for one test; closing it checks that nothing leaked. */
final class TestEngine implements AutoCloseable {
  private final int openArenas;
  private final LocalEngine engine;
  private final Ops loaderOps;
  private final LocalAdapterRegistry registry;
  private final List<StepRecord> steps;

  private TestEngine(
      int openArenas,
      LocalEngine engine,
      Ops loaderOps,
      LocalAdapterRegistry registry,
      List<StepRecord> steps) {
    this.openArenas = openArenas;
    this.engine = engine;
    this.loaderOps = loaderOps;
    this.registry = registry;
    this.steps = steps;
  }

  /** Opens the operations of an engine, which then closes them. */
  interface OpsSource {
    Ops open() throws IOException;
  }

  static TestEngine open(Path model, DType dtype, EngineConfig config, Path adapterRoot)
      throws IOException {
    return open(TorchOps::openDefault, model, dtype, config, adapterRoot);
  }

  static TestEngine open(
      OpsSource ops, Path model, DType dtype, EngineConfig config, Path adapterRoot)
      throws IOException {
    int openArenas = TensorArena.openArenas();
    List<StepRecord> steps = Collections.synchronizedList(new ArrayList<>());
    LocalEngine engine =
        LocalEngine.open("base", model, ops.open(), dtype, config, List.of(steps::add));
    Ops loaderOps = TorchOps.openDefault();
    LocalAdapterRegistry registry =
        new LocalAdapterRegistry(
            engine.model(),
            loaderOps,
            AdapterRoots.of(List.of(adapterRoot)),
            1L << 30,
            engine::forget);
    return new TestEngine(openArenas, engine, loaderOps, registry, steps);
  }

  static SamplingParams greedy(int maxTokens, int logprobs, int promptLogprobs) {
    return params(0, null, maxTokens, logprobs, promptLogprobs);
  }

  static SamplingParams params(
      double temperature, @Nullable Long seed, int maxTokens, int logprobs, int promptLogprobs) {
    return new SamplingParams(
        temperature,
        0,
        1,
        0,
        1,
        0,
        0,
        Map.of(),
        seed,
        0,
        maxTokens,
        List.of(),
        List.of(),
        false,
        true,
        true,
        logprobs,
        promptLogprobs);
  }

  LocalEngine engine() {
    return engine;
  }

  LocalAdapterRegistry registry() {
    return registry;
  }

  /** The records of all steps so far. */
  List<StepRecord> steps() {
    synchronized (steps) {
      return List.copyOf(steps);
    }
  }

  void load(String name, Path folder) {
    try {
      registry.load(name, folder, false);
    } catch (AdapterException e) {
      throw new AssertionError(name + " was refused: " + e.getMessage(), e);
    }
  }

  AdapterLease lease(String name) {
    return registry.acquire(name).orElseThrow();
  }

  Collected submit(GenerationRequest request) throws GenerationException {
    Collected answer = new Collected();
    engine.submit(request, answer);
    return answer;
  }

  @Override
  public void close() {
    engine.close();
    EngineStats stats = engine.stats();
    assertThat(stats.kvPagesUsed()).as("pages held").isZero();
    assertThat(stats.running() + stats.waiting()).as("sequences left").isZero();
    assertThat(registry.openLeases()).as("leases open").isZero();
    registry.close();
    loaderOps.close();
    assertThat(TensorArena.openArenas()).as("arenas open").isEqualTo(openArenas);
  }
}
