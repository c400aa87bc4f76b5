package dev.openlora.bench.step;

import com.sun.management.ThreadMXBean;
import dev.openlora.adapter.Adapter;
import dev.openlora.engine.EngineConfig;
import dev.openlora.engine.model.Decoder;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.model.StepInput;
import dev.openlora.engine.model.TensorLogits;
import dev.openlora.engine.sampling.Sampler;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.SamplingState;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;

/**
 * Runs one step again and again as the engine's thread does, without scheduler and listeners:
 * forward pass, head, greedy sampling. The tokens are random, the keys and values of the context
 * zero; neither changes what it costs. One thread.
 */
final class StepRunner implements AutoCloseable {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final HuggingFaceModel model;
  private final StepInput input;
  private final Decoder decoder;
  private final TensorArena stepArena;
  private final TensorArena hostArena;
  private final TensorLogits logitsRow;
  private final Sampler sampler = new Sampler();
  private final SamplingState state =
      new SamplingState(SamplingParams.greedy(1), new int[0], List.of());

  StepRunner(HuggingFaceModel model, Ops ops, StepShape shape, List<Adapter> adapters, long seed) {
    this.model = model;
    input = shape.input(new Random(seed), model.vocabularySize(), adapters);
    decoder = new Decoder(model, ops, shape.positions(), shape.pages(), StepShape.PAGE_SIZE);
    stepArena = ops.newArena("step");
    hostArena = ops.newHostArena("logits");
    logitsRow = new TensorLogits(ops, hostArena, model.vocabularySize());
  }

  StepSample step() {
    return step(() -> {});
  }

  /** Runs it once; {@code beforeHead} hears when the forward pass is over. */
  StepSample step(Runnable beforeHead) {
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    long begin = System.nanoTime();
    Tensor hidden = decoder.forward(input, stepArena);
    beforeHead.run();
    int rows = input.outputRows().length;
    long samplingNanos = 0;
    long samplingBytes = 0;
    int tokens = 0;
    for (int from = 0; from < rows; from += EngineConfig.DEFAULT.logitsRows()) {
      int to = Math.min(rows, from + EngineConfig.DEFAULT.logitsRows());
      Tensor logits = decoder.logits(input, hidden, from, to, stepArena);
      long bytesBefore = THREADS.getCurrentThreadAllocatedBytes();
      long before = System.nanoTime();
      tokens = 31 * tokens + sample(logits);
      samplingNanos += System.nanoTime() - before;
      samplingBytes += THREADS.getCurrentThreadAllocatedBytes() - bytesBefore;
    }
    stepArena.reset();
    long nanos = System.nanoTime() - begin;
    long decoderBytes = THREADS.getCurrentThreadAllocatedBytes() - bytes - samplingBytes;
    return new StepSample(nanos, samplingNanos, decoderBytes, samplingBytes, tokens);
  }

  private int sample(Tensor logits) {
    hostArena.reset();
    Tensor host = decoder.toHost(logits, hostArena);
    logitsRow.take(host);
    int tokens = 0;
    for (int row = 0; row < host.size(0); row++) {
      tokens = 31 * tokens + sampler.sample(logitsRow.at(row), state);
    }
    return tokens;
  }

  /** The logits of the last sequence. */
  float[] lastLogits() {
    int rows = input.outputRows().length;
    Tensor hidden = decoder.forward(input, stepArena);
    hostArena.reset();
    Tensor logits =
        decoder.toHost(decoder.logits(input, hidden, rows - 1, rows, stepArena), hostArena);
    float[] values = new float[model.vocabularySize()];
    logits.readRow(0, values);
    stepArena.reset();
    return values;
  }

  @Override
  public void close() {
    stepArena.close();
    hostArena.close();
    decoder.close();
  }
}
