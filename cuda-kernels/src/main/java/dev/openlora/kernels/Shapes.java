package dev.openlora.kernels;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What every implementation of {@link Ops} checks of its arguments, in the same words. */
final class Shapes {
  private Shapes() {}

  static void copy(Tensor dst, Tensor src) {
    if (!Arrays.equals(dst.shape(), src.shape())) {
      throw refused("copy dst", dst, "the shape of " + src);
    }
  }

  static void embedding(Tensor out, Tensor table, Tensor ids) {
    matrix("embedding table", table);
    ids("embedding ids", ids);
    shape("embedding out", out, ids.size(0), table.size(1));
    type("embedding out", out, table.dtype());
  }

  static void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    matrix("linear x", x);
    floating("linear x", x);
    matrix("linear weight", weight);
    shape("linear weight", weight, weight.size(0), x.size(1));
    type("linear weight", weight, x.dtype());
    shape("linear out", out, x.size(0), weight.size(0));
    if (out.dtype() != x.dtype() && out.dtype() != DType.F32) {
      throw refused("linear out", out, "F32 or " + x.dtype());
    }
    if (bias != null) {
      shape("linear bias", bias, weight.size(0));
      type("linear bias", bias, x.dtype());
    }
  }

  static void add(Tensor y, Tensor x) {
    floating("add y", y);
    shape("add x", x, y.shape());
    floating("add x", x);
    if (y.dtype() != DType.F32) {
      type("add x", x, y.dtype());
    }
  }

  static void rmsNorm(Tensor out, Tensor x, Tensor weight) {
    matrix("rmsNorm x", x);
    floating("rmsNorm x", x);
    shape("rmsNorm out", out, x.shape());
    narrowed("rmsNorm out", out, x.dtype());
    shape("rmsNorm weight", weight, x.size(1));
    floating("rmsNorm weight", weight);
  }

  /** An output of its input's dtype, or BF16 of F32: rounded once. */
  private static void narrowed(String name, Tensor out, DType input) {
    floating(name, out);
    if (input != DType.F32) {
      type(name, out, input);
    }
  }

  static void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    heads("rope x", x);
    if (x.size(2) % 2 != 0) {
      throw refused("rope x", x, "an even head size");
    }
    matrix("rope cos", cos);
    shape("rope cos", cos, cos.size(0), x.size(2) / 2);
    type("rope cos", cos, DType.F32);
    shape("rope sin", sin, cos.shape());
    type("rope sin", sin, DType.F32);
    ids("rope positions", positions);
    shape("rope positions", positions, x.size(0));
  }

  static void keyValues(String name, Tensor x, AttentionBatch batch, KvPages.Shape pages) {
    heads(name, x);
    shape(name, x, batch.rows(), pages.kvHeads(), pages.headSize());
  }

  static void attention(
      AttentionBatch batch, KvPages.Shape pages, int layer, Tensor out, Tensor q, int window) {
    heads("attention q", q);
    shape("attention q", q, batch.rows(), q.size(1), pages.headSize());
    if (q.size(1) % pages.kvHeads() != 0) {
      throw refused("attention q", q, "a multiple of " + pages.kvHeads() + " heads");
    }
    shape("attention out", out, q.shape());
    narrowed("attention out", out, q.dtype());
    layer(layer, pages);
    if (window < 0) {
      throw new IllegalArgumentException("attention window: " + window + " (expected: 0 or more)");
    }
  }

  static void layer(int layer, KvPages.Shape pages) {
    if (layer < 0 || layer >= pages.layers()) {
      throw new IllegalArgumentException(
          "layer: " + layer + " (expected: 0 to " + (pages.layers() - 1) + ")");
    }
  }

  static void plan(AttentionBatch batch, KvPages.Shape pages) {
    int rows = 0;
    for (int s = 0; s < batch.sequences(); s++) {
      int length = batch.kvLengths()[s];
      int queries = batch.queryRows(s);
      if (batch.queryStarts()[s] != rows || queries < 1 || queries > length) {
        throw new IllegalArgumentException(
            "plan: sequence "
                + s
                + " has "
                + queries
                + " rows from "
                + batch.queryStarts()[s]
                + " and "
                + length
                + " positions (expected: 1 to all positions, from row "
                + rows
                + ")");
      }
      rows += queries;
      int[] table = batch.pageTables()[s];
      int needed = (length + pages.pageSize() - 1) / pages.pageSize();
      if (table.length < needed) {
        throw new IllegalArgumentException(
            "plan: sequence "
                + s
                + " has "
                + table.length
                + " pages (expected: "
                + needed
                + " for "
                + length
                + " positions)");
      }
    }
  }

  static void siluMul(Tensor out, Tensor gate, Tensor up) {
    floating("siluMul gate", gate);
    shape("siluMul up", up, gate.shape());
    type("siluMul up", up, gate.dtype());
    shape("siluMul out", out, gate.shape());
    narrowed("siluMul out", out, gate.dtype());
  }

  static void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    matrix("addLora y", y);
    floating("addLora y", y);
    matrix("addLora x", x);
    shape("addLora x", x, y.size(0), x.size(1));
    floating("addLora x", x);
    if (y.dtype() != DType.F32) {
      type("addLora x", x, y.dtype());
    }
    for (int i = 0; i < segments.size(); i++) {
      segment("addLora segment " + i, y, x, segments.get(i));
    }
  }

  private static void segment(String name, Tensor y, Tensor x, LoraSegment segment) {
    if (segment.to() > y.size(0)) {
      throw new IllegalArgumentException(
          name
              + ": rows ["
              + segment.from()
              + ", "
              + segment.to()
              + ") (expected: within "
              + y
              + ")");
    }
    Tensor a = segment.a();
    Tensor b = segment.b();
    if (a != null && b != null) {
      matrix(name + " A", a);
      shape(name + " A", a, a.size(0), x.size(1));
      type(name + " A", a, x.dtype());
      shape(name + " B", b, y.size(1), a.size(0));
      type(name + " B", b, x.dtype());
    }
    Tensor gain = segment.gain();
    if (gain != null) {
      shape(name + " gain", gain, y.size(1));
      floating(name + " gain", gain);
    }
    Tensor shift = segment.shift();
    if (shift != null) {
      shape(name + " shift", shift, y.size(1));
      floating(name + " shift", shift);
    }
  }

  static void gatherRows(Tensor out, Tensor x, int[] rows) {
    matrix("gatherRows x", x);
    shape("gatherRows out", out, rows.length, x.size(1));
    type("gatherRows out", out, x.dtype());
    for (int row : rows) {
      if (row < 0 || row >= x.size(0)) {
        throw new IllegalArgumentException(
            "gatherRows row: " + row + " (expected: 0 to " + (x.size(0) - 1) + ")");
      }
    }
  }

  static void topK(Tensor values, Tensor ids, Tensor x) {
    onHost("topK x", x);
    floating("topK x", x);
    long most = Math.min(Ops.TOP_MOST, x.size(1));
    matrix("topK values", values);
    if (values.size(1) < 1 || values.size(1) > most) {
      throw refused("topK values", values, "1 to " + most + " columns");
    }
    shape("topK values", values, x.size(0), values.size(1));
    type("topK values", values, DType.F32);
    onHost("topK values", values);
    shape("topK ids", ids, values.shape());
    type("topK ids", ids, DType.I32);
    onHost("topK ids", ids);
  }

  static void sumExp(Tensor x, float greatest, double scale) {
    onHost("sumExp x", x);
    floating("sumExp x", x);
    shape("sumExp x", x, 1, x.size(1));
    if (!Float.isFinite(greatest)) {
      throw new IllegalArgumentException("sumExp greatest: " + greatest + " (expected: a number)");
    }
    if (!((float) scale > 0 && (float) scale < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("sumExp scale: " + scale + " (expected: above 0)");
    }
  }

  private static void onHost(String name, Tensor tensor) {
    matrix(name, tensor);
    if (tensor.device().kind() != Device.Kind.CPU || !tensor.isContiguous()) {
      throw refused(name, tensor, "contiguous, on the host");
    }
  }

  static void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b) {
    matrix("loraRowNorms weight", weight);
    floating("loraRowNorms weight", weight);
    matrix("loraRowNorms A", a);
    shape("loraRowNorms A", a, a.size(0), weight.size(1));
    floating("loraRowNorms A", a);
    shape("loraRowNorms B", b, weight.size(0), a.size(0));
    floating("loraRowNorms B", b);
    shape("loraRowNorms out", out, weight.size(0));
    type("loraRowNorms out", out, DType.F32);
  }

  static void matrix(String name, Tensor tensor) {
    if (tensor.rank() != 2) {
      throw refused(name, tensor, "two dimensions");
    }
  }

  static void heads(String name, Tensor tensor) {
    if (tensor.rank() != 3) {
      throw refused(name, tensor, "[rows, heads, head size]");
    }
    floating(name, tensor);
  }

  static void ids(String name, Tensor tensor) {
    if (tensor.rank() != 1) {
      throw refused(name, tensor, "one dimension");
    }
    type(name, tensor, DType.I32);
  }

  static void shape(String name, Tensor tensor, long... sizes) {
    if (!Arrays.equals(tensor.shape(), sizes)) {
      throw refused(name, tensor, Arrays.toString(sizes));
    }
  }

  static void type(String name, Tensor tensor, DType dtype) {
    if (tensor.dtype() != dtype) {
      throw refused(name, tensor, dtype.toString());
    }
  }

  static void floating(String name, Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.BF16) {
      throw refused(name, tensor, "F32 or BF16");
    }
  }

  static IllegalArgumentException refused(String name, Tensor got, String wanted) {
    return new IllegalArgumentException(name + ": " + got + " (expected: " + wanted + ")");
  }
}
