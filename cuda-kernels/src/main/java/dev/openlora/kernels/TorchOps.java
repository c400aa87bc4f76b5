package dev.openlora.kernels;

import dev.openlora.kernels.Torch.Operator;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The portable operations: each is a few calls of libtorch, the same ones on every device. What an
 * operation needs for itself lies in a scratch arena that it leaves empty; handles on views go with
 * it. Only rows that belong together meet in one call, so a NaN stays in its own row. {@link #copy}
 * and arenas may be used by any thread, the rest by one at a time.
 */
public final class TorchOps implements Ops {
  private static final long NORM_SCRATCH_ELEMENTS = 2L << 20;

  private final TorchLibrary library;
  private final Device device;
  private final Torch torch;
  private final TorchArena scratch;
  private final TorchArena constants;
  private final TorchHandles passing = new TorchHandles();
  private final TorchLora lora;
  private final Map<Long, Tensor> ones = new HashMap<>();
  private final Map<Float, Tensor> scalars = new HashMap<>();
  private boolean closed;

  public TorchOps(TorchLibrary library, Device device) {
    if (device.kind() == Device.Kind.CUDA && !library.hasCuda()) {
      throw new IllegalArgumentException(
          "device: "
              + device
              + " (expected: cpu, as libtorch in "
              + library.folder()
              + " has no CUDA)");
    }
    this.library = library;
    this.device = device;
    this.torch = new Torch(library, device);
    this.scratch = new TorchArena(torch, device, "scratch");
    this.lora = new TorchLora(torch, library, scratch, passing);
    this.constants = new TorchArena(torch, device, "constants");
  }

  /** Operations on DJL's libtorch, on the host. */
  public static TorchOps openDefault() throws IOException {
    return new TorchOps(TorchLibrary.load(TorchLibrary.Options.defaults()), Device.CPU);
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public String description() {
    return "torch " + library.version() + " (" + device + ", " + library.threads() + " threads)";
  }

  @Override
  public TensorArena newArena(String name) {
    return new TorchArena(torch, device, name);
  }

  @Override
  public TensorArena newHostArena(String name) {
    return new TorchArena(torch, Device.CPU, name);
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    Shapes.copy(dst, src);
    if (src.elements() == 0) {
      return;
    }
    TorchHandles own = new TorchHandles();
    try {
      torch.copy(dst.handle(torch, own), src.handle(torch, own));
    } finally {
      own.freeAll(torch);
    }
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    Shapes.embedding(out, table, ids);
    if (out.elements() == 0) {
      return;
    }
    try {
      torch.indexSelect(handle(out), handle(table), handle(ids));
    } finally {
      finish();
    }
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    Shapes.linear(out, x, weight, bias);
    if (out.elements() == 0) {
      return;
    }
    try {
      Tensor result = out.dtype() == x.dtype() ? out : scratch.allocate(x.dtype(), out.shape());
      if (bias == null) {
        torch.mm(handle(result), handle(x), transposed(weight));
      } else {
        torch.addmm(handle(result), handle(bias), handle(x), transposed(weight), 1, 1);
      }
      if (result != out) {
        torch.copy(handle(out), handle(result));
      }
    } finally {
      finish();
    }
  }

  @Override
  public void add(Tensor y, Tensor x) {
    Shapes.add(y, x);
    if (y.elements() == 0) {
      return;
    }
    try {
      addTo(handle(y), handle(x));
    } finally {
      finish();
    }
  }

  private void addTo(long y, long x) {
    long sum = passing.add(torch.sum(y, x));
    torch.copy(y, sum);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    Shapes.rmsNorm(out, x, weight);
    if (out.elements() == 0) {
      return;
    }
    long rows = x.size(0);
    long width = x.size(1);
    try {
      long wide = handle(widened(x));
      long product = handle(scratch.allocate(DType.F32, rows, width));
      long factor = handle(scratch.allocate(DType.F32, rows, 1));
      torch.apply(Operator.MULTIPLY, wide, wide, product);
      torch.addmm(factor, handle(scalar(epsilon)), product, handle(ones(width)), 1, 1.0 / width);
      torch.apply(Operator.RECIPROCAL_ROOT, factor, factor);
      torch.apply(Operator.MULTIPLY, wide, factor, product);
      torch.apply(Operator.MULTIPLY, product, handle(weight), handle(out));
    } finally {
      finish();
    }
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    Shapes.rope(x, cos, sin, positions);
    if (x.elements() == 0) {
      return;
    }
    long rows = x.size(0);
    long heads = x.size(1);
    long half = x.size(2) / 2;
    try {
      long index = handle(positions);
      Tensor c = scratch.allocate(DType.F32, rows, half);
      Tensor s = scratch.allocate(DType.F32, rows, half);
      torch.indexSelect(handle(c), handle(cos), index);
      torch.indexSelect(handle(s), handle(sin), index);
      long turn = complex(scratch.allocate(DType.F32, rows, 1, half, 2));
      long[] one = {rows, 1, half};
      torch.apply(Operator.COMPLEX, handle(c.reshape(one)), handle(s.reshape(one)), turn);
      Tensor wide = widened(x);
      Tensor pairs = scratch.allocate(DType.F32, rows, heads, half, 2);
      long numbers = complex(pairs);
      torch.apply(Operator.COMPLEX, handle(half(wide, 0)), handle(half(wide, half)), numbers);
      torch.apply(Operator.MULTIPLY, numbers, turn, numbers);
      long[] sizes = {rows, heads, half};
      long[] strides = {heads * half * 2, half * 2, 2};
      torch.copy(handle(half(x, 0)), handle(pairs.view(0, sizes, strides)));
      torch.copy(handle(half(x, half)), handle(pairs.view(1, sizes, strides)));
    } finally {
      finish();
    }
  }

  private static Tensor half(Tensor x, long from) {
    long[] strides = x.strides();
    return x.view(from * strides[2], new long[] {x.size(0), x.size(1), x.size(2) / 2}, strides);
  }

  /** A handle that reads the pairs of the last dimension as complex numbers. */
  private long complex(Tensor pairs) {
    long[] sizes = {pairs.size(0), pairs.size(1), pairs.size(2)};
    long[] strides = {sizes[1] * sizes[2], sizes[2], 1};
    return passing.add(torch.view(pairs.address(), Torch.COMPLEX_FLOAT, device, sizes, strides));
  }

  @Override
  public KvPages newKvPages(TensorArena arena, KvPages.Shape shape) {
    return new TorchKvPages(arena, shape);
  }

  @Override
  public AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch) {
    if (!(step instanceof TorchArena arena) || !(pages instanceof TorchKvPages torchPages)) {
      throw new IllegalArgumentException(
          "plan: an arena or pages of other operations (expected: made by these)");
    }
    return new TorchAttention(torch, this::upload, arena, torchPages, batch);
  }

  @Override
  public void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v) {
    try {
      attention(plan).write(layer, k, v, scratch, passing);
    } finally {
      finish();
    }
  }

  @Override
  public void attention(
      AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window) {
    try {
      attention(plan).attend(layer, out, q, scale, window, scratch, passing);
    } finally {
      finish();
    }
  }

  private static TorchAttention attention(AttentionPlan plan) {
    if (plan instanceof TorchAttention torchPlan) {
      return torchPlan;
    }
    throw new IllegalArgumentException("plan: of other operations (expected: made by these)");
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    Shapes.siluMul(out, gate, up);
    if (out.elements() == 0) {
      return;
    }
    try {
      long activated = handle(scratch.allocate(DType.F32, gate.shape()));
      torch.apply(Operator.SILU, handle(widened(gate)), activated);
      torch.apply(Operator.MULTIPLY, activated, handle(up), handle(out));
    } finally {
      finish();
    }
  }

  @Override
  public void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    Shapes.addLora(y, x, segments);
    try {
      lora.add(y, x, segments);
    } finally {
      finish();
    }
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    Shapes.gatherRows(out, x, rows);
    if (out.elements() == 0) {
      return;
    }
    try {
      torch.indexSelect(handle(out), handle(x), handle(scratch.copyOf(rows)));
    } finally {
      finish();
    }
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    Shapes.loraRowNorms(out, weight, a, b);
    long width = weight.size(1);
    long step = Math.max(1, NORM_SCRATCH_ELEMENTS / Math.max(1, width));
    for (long from = 0; from < weight.size(0); from += step) {
      long to = Math.min(weight.size(0), from + step);
      try {
        long rows = to - from;
        long sum = handle(scratch.allocate(DType.F32, rows, width));
        torch.copy(sum, handle(weight.rows(from, to)));
        if (a.size(0) > 0) {
          torch.addmm(sum, sum, handle(widened(b.rows(from, to))), handle(widened(a)), 1, scale);
        }
        torch.apply(Operator.MULTIPLY, sum, sum, sum);
        long norm = handle(scratch.allocate(DType.F32, rows, 1));
        torch.mm(norm, sum, handle(ones(width)));
        torch.apply(Operator.ROOT, norm, handle(out.rows(from, to).reshape(rows, 1)));
      } finally {
        finish();
      }
    }
  }

  private Tensor widened(Tensor x) {
    if (x.dtype() == DType.F32) {
      return x;
    }
    Tensor wide = scratch.allocate(DType.F32, x.shape());
    torch.copy(handle(wide), handle(x));
    return wide;
  }

  private Tensor ones(long count) {
    return ones.computeIfAbsent(
        count,
        n -> {
          float[] values = new float[Math.toIntExact(n)];
          java.util.Arrays.fill(values, 1);
          return constants.copyOf(values, n, 1);
        });
  }

  private Tensor scalar(float value) {
    return scalars.computeIfAbsent(value, v -> constants.copyOf(new float[] {v}, 1, 1));
  }

  /** An I64 tensor in an arena with these values. */
  private Tensor upload(TorchArena arena, long[] values) {
    Tensor tensor = arena.allocate(DType.I64, values.length);
    if (device.kind() == Device.Kind.CPU) {
      MemorySegment.copy(values, 0, tensor.memory(), ValueLayout.JAVA_LONG, 0, values.length);
      return tensor;
    }
    try (TorchArena host = new TorchArena(torch, Device.CPU, "upload")) {
      Tensor staged = host.allocate(DType.I64, values.length);
      MemorySegment.copy(values, 0, staged.memory(), ValueLayout.JAVA_LONG, 0, values.length);
      copy(tensor, staged);
    }
    return tensor;
  }

  private long handle(Tensor tensor) {
    return tensor.handle(torch, passing);
  }

  private long transposed(Tensor matrix) {
    return matrix.transposedHandle(torch, passing);
  }

  private void finish() {
    passing.freeAll(torch);
    scratch.reset();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      lora.close();
      scratch.close();
      constants.close();
    }
  }
}
