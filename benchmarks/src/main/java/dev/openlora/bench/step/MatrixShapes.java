package dev.openlora.bench.step;

import dev.openlora.adapter.BaseModel;
import dev.openlora.engine.model.HuggingFaceModel;
import java.util.ArrayList;
import java.util.List;

/**
 * The matrices that a step multiplies by: those of all layers, and the output head. Immutable.
 *
 * @param elementBytes of a weight of the base
 * @param adapterElementBytes of a weight of an adapter
 */
record MatrixShapes(List<Matrix> layers, Matrix head, int elementBytes, int adapterElementBytes) {
  /** A weight [out, in]. */
  record Matrix(int in, int out) {
    long elements() {
      return (long) in * out;
    }
  }

  MatrixShapes {
    layers = List.copyOf(layers);
    if (elementBytes < 1 || adapterElementBytes < 1) {
      throw new IllegalArgumentException(
          "element bytes: "
              + elementBytes
              + ", "
              + adapterElementBytes
              + " (expected: at least 1 each)");
    }
  }

  static MatrixShapes of(HuggingFaceModel model, int elementBytes) {
    List<Matrix> layers = new ArrayList<>();
    for (BaseModel.LinearModule linear : model.linears()) {
      layers.add(new Matrix(linear.in(), linear.out()));
    }
    Matrix head = layers.remove(model.head());
    return new MatrixShapes(layers, head, elementBytes, model.dtype().bytes());
  }

  long layerElements() {
    return layers.stream().mapToLong(Matrix::elements).sum();
  }

  /** Elements of a LoRA pair of rank 1 on every matrix of the layers. */
  long pairElements() {
    return layers.stream().mapToLong(matrix -> (long) matrix.in() + matrix.out()).sum();
  }

  long weightBytes() {
    return (layerElements() + head.elements()) * elementBytes;
  }
}
