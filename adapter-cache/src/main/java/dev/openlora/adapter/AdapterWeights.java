package dev.openlora.adapter;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.SafetensorsException;
import dev.openlora.kernels.SafetensorsFile;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * The weights file of an adapter: shapes that are checked against what is expected, values that are
 * checked to be finite, also after conversion to the model's dtype. Loader thread only.
 */
final class AdapterWeights implements AutoCloseable {
  private static final Set<SafetensorsType> SERVED =
      Set.of(SafetensorsType.F32, SafetensorsType.F16, SafetensorsType.BF16);
  private static final long HEADER_BYTES_MAX = 16L << 20;
  private static final int MAX_TENSORS = 100_000;

  private final SafetensorsFile file;
  private final DType served;

  private AdapterWeights(SafetensorsFile file, DType served) {
    this.file = file;
    this.served = served;
  }

  static AdapterWeights open(Path path, DType served) throws AdapterException {
    AdapterWeights weights;
    try {
      weights = new AdapterWeights(SafetensorsFile.open(path, HEADER_BYTES_MAX), served);
    } catch (SafetensorsException e) {
      throw refused(path, e);
    } catch (IOException e) {
      throw Refusal.invalid(AdapterFolder.WEIGHTS, "cannot be read");
    }
    try {
      weights.checkEntries();
      return weights;
    } catch (AdapterException | RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  List<String> names() {
    return List.copyOf(file.names());
  }

  long[] shape(String name) throws AdapterException {
    return entry(name).shape();
  }

  /** Refuses another shape than the expected one; -1 stands for any size. */
  void checkShape(String name, long... expected) throws AdapterException {
    long[] shape = shape(name);
    boolean fits = shape.length == expected.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = expected[i] < 0 || shape[i] == expected[i];
    }
    if (!fits) {
      throw Refusal.invalid(
          subject(name),
          "shape "
              + Arrays.toString(shape)
              + " (expected: "
              + Arrays.toString(expected).replace("-1", "any")
              + ")");
    }
  }

  float[] floats(String name) throws AdapterException {
    float[] values;
    try {
      values = file.floats(name);
    } catch (SafetensorsException e) {
      throw refused(file.file(), e);
    }
    checkFinite(name, values);
    return values;
  }

  /** Refuses values that are not finite, or are not in the model's dtype. */
  void checkFinite(String name, float[] values) throws AdapterException {
    for (int i = 0; i < values.length; i++) {
      float value = values[i];
      if (!Float.isFinite(value)) {
        throw Refusal.invalid(
            subject(name), value + " at element " + i + " (expected: finite values)");
      }
      if (served == DType.BF16 && (Tensor.toBfloat16(value) & 0x7F80) == 0x7F80) {
        throw Refusal.invalid(
            subject(name),
            value + " at element " + i + " (expected: within the range of bfloat16)");
      }
    }
  }

  static String subject(String name) {
    return "tensor '" + Refusal.shown(name) + "'";
  }

  @Override
  public void close() {
    file.close();
  }

  private void checkEntries() throws AdapterException {
    if (file.names().isEmpty() || file.names().size() > MAX_TENSORS) {
      throw Refusal.invalid(
          AdapterFolder.WEIGHTS,
          file.names().size() + " tensors (expected: 1 to " + MAX_TENSORS + ")");
    }
    for (String name : file.names()) {
      SafetensorsType type = entry(name).type();
      if (!SERVED.contains(type)) {
        throw Refusal.unsupported(subject(name), "dtype " + type + " (served: F32, F16, BF16)");
      }
    }
  }

  private SafetensorsFile.Entry entry(String name) throws AdapterException {
    try {
      return file.entry(name);
    } catch (SafetensorsException e) {
      throw refused(file.file(), e);
    }
  }

  /** The reader's sentence without the server's path. */
  private static AdapterException refused(Path path, SafetensorsException e) {
    String message = e.getMessage() == null ? "damaged" : e.getMessage();
    String prefix = path + ": ";
    return Refusal.invalid(
        AdapterFolder.WEIGHTS,
        Refusal.shown(message.startsWith(prefix) ? message.substring(prefix.length()) : message));
  }
}
