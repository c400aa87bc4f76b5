package dev.openlora.engine.reference;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.openlora.kernels.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Float32 arrays under Hugging Face names, freed together. DJL's PyTorch engine is started here,
 * told before to download nothing. Filled by one thread, then any thread.
 */
public final class NamedArrays implements AutoCloseable {
  private final NDManager manager = newManager();
  private final Map<String, NDArray> arrays = new LinkedHashMap<>();

  private static NDManager newManager() {
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
    return NDManager.newBaseManager(Device.cpu(), "PyTorch");
  }

  /** Copies values in under a new name. */
  public NDArray put(String name, float[] values, long... shape) {
    return putArray(name, manager.create(values, new Shape(shape)));
  }

  /** Copies a host tensor, widened to float32. */
  NDArray put(String name, Tensor tensor) {
    return put(name, tensor.toFloats(), tensor.shape());
  }

  /** A second name for an array that is here already. */
  public void alias(String name, String of) {
    NDArray array = get(of);
    if (arrays.putIfAbsent(name, array) != null) {
      throw new IllegalArgumentException("array: '" + name + "' is there already");
    }
  }

  private NDArray putArray(String name, NDArray array) {
    if (arrays.putIfAbsent(name, array) != null) {
      array.close();
      throw new IllegalArgumentException("array: '" + name + "' is there already");
    }
    array.setName(name);
    return array;
  }

  public NDArray get(String name) {
    NDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalArgumentException("array: '" + name + "' is missing");
    }
    return array;
  }

  public @Nullable NDArray find(String name) {
    return arrays.get(name);
  }

  NDManager newStep() {
    return manager.newSubManager();
  }

  @Override
  public void close() {
    manager.close();
  }
}
