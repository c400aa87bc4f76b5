package dev.openlora.engine.training;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The parameters and what moves them: AdamW's means and squares. One thread at a time. */
final class AdamState implements AutoCloseable {
  private final TrainingOps ops;
  private final List<Parameter> parameters;
  private final TensorArena memory;
  private final List<Tensor> means;
  private final List<Tensor> squares;
  private final List<Tensor> best;

  /**
   * @param keepsBest whether there is room for a copy of the values
   */
  AdamState(TrainingOps ops, List<Parameter> parameters, boolean keepsBest) {
    this.ops = ops;
    this.parameters = List.copyOf(parameters);
    checkParameters();
    memory = ops.newArena("optimizer");
    means = zeros();
    squares = zeros();
    best = keepsBest ? zeros() : List.of();
    clearGradients();
  }

  private void checkParameters() {
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("parameters: none (expected: at least one)");
    }
    Set<String> names = new HashSet<>();
    for (Parameter parameter : parameters) {
      Tensor value = parameter.value();
      Tensor gradient = parameter.gradient();
      if (!names.add(parameter.name())) {
        throw new IllegalArgumentException(
            "parameters: '" + parameter.name() + "' twice (expected: a name each)");
      }
      if (value.dtype() != DType.F32
          || gradient.dtype() != DType.F32
          || !Arrays.equals(value.shape(), gradient.shape())) {
        throw new IllegalArgumentException(
            "parameters: '"
                + parameter.name()
                + "' "
                + value
                + " with gradient "
                + gradient
                + " (expected: F32 of one shape)");
      }
    }
  }

  private List<Tensor> zeros() {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : parameters) {
      Tensor tensor = memory.allocate(DType.F32, parameter.value().shape());
      ops.fill(tensor, 0);
      tensors.add(tensor);
    }
    return tensors;
  }

  List<Parameter> parameters() {
    return parameters;
  }

  List<Tensor> values() {
    return parameters.stream().map(Parameter::value).toList();
  }

  List<Tensor> means() {
    return means;
  }

  List<Tensor> squares() {
    return squares;
  }

  /** The best values so far; empty where they are not kept. */
  List<Tensor> best() {
    return best;
  }

  long elements() {
    return parameters.stream().mapToLong(parameter -> parameter.value().elements()).sum();
  }

  /** The norm of all gradients as one vector; names the first that is not finite. */
  double gradientNorm(int step) {
    double sum = 0;
    for (Parameter parameter : parameters) {
      sum += finiteSquares(parameter.gradient(), step, "gradient of", parameter);
    }
    return Math.sqrt(sum);
  }

  /** Refuses values that are not finite: they would spoil a checkpoint. */
  void checkValues(int step) {
    for (Parameter parameter : parameters) {
      finiteSquares(parameter.value(), step, "value of", parameter);
    }
  }

  private double finiteSquares(Tensor tensor, int step, String what, Parameter parameter) {
    double squares = ops.sumOfSquares(tensor);
    if (!Double.isFinite(squares)) {
      throw new TrainingException(
          "step "
              + step
              + ": "
              + what
              + " '"
              + parameter.name()
              + "': sum of squares "
              + squares
              + " (expected: finite; try a lower learning_rate or a clip_norm)");
    }
    return squares;
  }

  /** One step of AdamW, after which the gradients are 0. */
  void move(int step, double learningRate, double gradientScale, TrainingConfig.Adam adam) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      ops.adamW(
          parameter.value(),
          parameter.gradient(),
          means.get(i),
          squares.get(i),
          new TrainingOps.AdamStep(
              step,
              learningRate,
              adam.beta1(),
              adam.beta2(),
              adam.epsilon(),
              parameter.decayed() ? adam.weightDecay() : 0,
              gradientScale));
    }
    clearGradients();
  }

  private void clearGradients() {
    for (Parameter parameter : parameters) {
      ops.fill(parameter.gradient(), 0);
    }
  }

  void keepBest() {
    copy(best, values());
  }

  void restoreBest() {
    copy(values(), best);
  }

  private void copy(List<Tensor> to, List<Tensor> from) {
    for (int i = 0; i < to.size(); i++) {
      ops.copy(to.get(i), from.get(i));
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
