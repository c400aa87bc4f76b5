package dev.openlora.engine.training;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The parameters of a training, in the order in which they were made, and their memory. */
final class ParameterSet implements AutoCloseable {
  private final TrainingOps ops;
  private final TensorArena arena;
  private final List<Parameter> parameters = new ArrayList<>();
  private final Set<Parameter> transposed = new HashSet<>();
  private final Map<Parameter, String> secondNames = new HashMap<>();

  ParameterSet(TrainingOps ops) {
    this.ops = ops;
    this.arena = ops.newArena("parameters");
  }

  /** A parameter with these values. */
  Parameter of(String name, boolean decayed, float[] values, long... shape) {
    return add(name, decayed, arena.copyOf(values, shape));
  }

  /** A parameter that starts as zeros. */
  Parameter zeros(String name, boolean decayed, long... shape) {
    Tensor value = arena.allocate(DType.F32, shape);
    ops.fill(value, 0);
    return add(name, decayed, value);
  }

  /** A parameter that starts as a copy. */
  Parameter copyOf(String name, boolean decayed, Tensor original) {
    Tensor value = arena.allocate(DType.F32, original.shape());
    ops.copy(value, original);
    return add(name, decayed, value);
  }

  private Parameter add(String name, boolean decayed, Tensor value) {
    Tensor gradient = arena.allocate(DType.F32, value.shape());
    ops.fill(gradient, 0);
    Parameter parameter = new Parameter(name, value, gradient, decayed);
    parameters.add(parameter);
    return parameter;
  }

  /** A matrix that stands in its file the other way round. */
  Parameter markTransposed(Parameter matrix) {
    transposed.add(matrix);
    return matrix;
  }

  boolean isTransposed(Parameter parameter) {
    return transposed.contains(parameter);
  }

  /** Lets a parameter stand in its file once more. */
  void nameAgain(Parameter parameter, String name) {
    secondNames.put(parameter, name);
  }

  /** The names under which a parameter stands in its file. */
  List<String> names(Parameter parameter) {
    String second = secondNames.get(parameter);
    return second == null ? List.of(parameter.name()) : List.of(parameter.name(), second);
  }

  /** A matrix of the operations' own that starts as a copy, in the original's dtype. */
  Tensor matrixCopy(Tensor original) {
    Tensor copy = arena.allocate(original.dtype(), original.shape());
    ops.copy(copy, original);
    return copy;
  }

  /** The vector itself where it is F32, else a copy that is. */
  Tensor vector(Tensor original) {
    if (original.dtype() == DType.F32) {
      return original;
    }
    Tensor wide = arena.allocate(DType.F32, original.shape());
    ops.copy(wide, original);
    return wide;
  }

  List<Parameter> all() {
    return List.copyOf(parameters);
  }

  @Override
  public void close() {
    arena.close();
  }
}
