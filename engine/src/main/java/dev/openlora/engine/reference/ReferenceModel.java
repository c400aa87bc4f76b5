package dev.openlora.engine.reference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.adapter.BaseModel.NormModule;
import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.model.HuggingFaceModel;
import java.util.List;

/**
 * The slow, obvious twin of the serving path's decoder: float32, one whole sequence at a time, no
 * cache, differentiable. Weights are read only; any thread, each with its own step.
 */
public final class ReferenceModel implements AutoCloseable {
  private final Architecture architecture;
  private final NamedArrays weights;

  /**
   * An adapter of a sequence.
   *
   * @param scale the request's factor on its scale
   * @param activeFrom the first position it acts on; 0 for all
   */
  public record Applied(ReferenceAdapter adapter, float scale, int activeFrom) {}

  /**
   * @param weights by Hugging Face name, {@code lm_head.weight} also where it is tied; closed with
   *     the model
   */
  public ReferenceModel(Architecture architecture, NamedArrays weights) {
    this.architecture = architecture;
    this.weights = weights;
  }

  /** Copies an open model whose tensors lie on the host. */
  public static ReferenceModel of(HuggingFaceModel model) {
    NamedArrays weights = new NamedArrays();
    try {
      weights.put("model.embed_tokens.weight", model.embedding());
      for (LinearModule linear : model.linears()) {
        if (linear.weight() == model.embedding()) {
          weights.alias(linear.name() + ".weight", "model.embed_tokens.weight");
        } else {
          weights.put(linear.name() + ".weight", linear.weight());
        }
        if (linear.bias() != null) {
          weights.put(linear.name() + ".bias", linear.bias());
        }
      }
      for (NormModule norm : model.norms()) {
        weights.put(norm.name() + ".weight", norm.weight());
      }
      return new ReferenceModel(model.architecture(), weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /** Log-probabilities of every next token after each id, [ids, vocabulary], without gradients. */
  public float[][] logProbs(int[] ids, List<Applied> adapters) {
    try (GradientMode off = GradientMode.off();
        NDManager step = newStep()) {
      float[] flat = logits(step, ids, adapters).logSoftmax(1).toFloatArray();
      float[][] rows = new float[ids.length][architecture.vocabularySize()];
      for (int i = 0; i < rows.length; i++) {
        System.arraycopy(flat, i * rows[i].length, rows[i], 0, rows[i].length);
      }
      return rows;
    }
  }

  /** A scope for the arrays of one pass; close it after the last use of what the pass returned. */
  public NDManager newStep() {
    return weights.newStep();
  }

  /**
   * Logits after each id, [ids, vocabulary], in the step's scope. Gradients are recorded when the
   * thread's gradient mode is on and some weight asks for them.
   */
  public NDArray logits(NDManager step, int[] ids, List<Applied> adapters) {
    for (int id : ids) {
      if (id < 0 || id >= architecture.vocabularySize()) {
        throw new IllegalArgumentException(
            "token id: " + id + " (expected: 0.." + (architecture.vocabularySize() - 1) + ")");
      }
    }
    return new ReferencePass(architecture, weights, step, ids, adapters).logits();
  }

  @Override
  public void close() {
    weights.close();
  }
}
