package dev.openlora.kernels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One context of the CPU kernels: its threads, and the C functions of {@code openlora_cpu.h} with
 * tensors for pointers. A status other than 0 is an exception. One thread at a time.
 */
final class CpuKernels implements AutoCloseable {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final MemoryLayout POINTER = ValueLayout.ADDRESS;
  private static final int ROWS_BYTES = 24;
  private static final int LAYER_BYTES = 40;
  private static final int PRODUCT_BYTES = ROWS_BYTES + 8 + LAYER_BYTES;
  private static final int ADAPTERS_BYTES = 16;
  private static final int SEGMENT_BYTES = 80;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment frame = arena.allocate(264, 64);
  private final MemorySegment first = frame.asSlice(0, ROWS_BYTES);
  private final MemorySegment second = frame.asSlice(32, ROWS_BYTES);
  private final MemorySegment third = frame.asSlice(64, ROWS_BYTES);
  private final MemorySegment kv = frame.asSlice(96, 32);
  private final MemorySegment batch = frame.asSlice(128, 40);
  private final MemorySegment layer = frame.asSlice(168, LAYER_BYTES);
  private final MemorySegment other = frame.asSlice(208, LAYER_BYTES);
  private final MemorySegment adapters = frame.asSlice(248, ADAPTERS_BYTES);
  private MemorySegment products = arena.allocate(4L * PRODUCT_BYTES, 64);
  private MemorySegment segments = arena.allocate(64L * SEGMENT_BYTES, 64);
  private final MemorySegment context;
  private final CpuIsa isa;

  private final MethodHandle setDeterministic;
  private final MethodHandle packedBytes;
  private final MethodHandle pack;
  private final MethodHandle linear;
  private final MethodHandle gatedLinear;
  private final MethodHandle packedBytesInt8;
  private final MethodHandle packInt8;
  private final MethodHandle embedding;
  private final MethodHandle rmsNorm;
  private final MethodHandle rope;
  private final MethodHandle siluMul;
  private final MethodHandle add;
  private final MethodHandle top;
  private final MethodHandle sumExp;
  private final MethodHandle writeKv;
  private final MethodHandle attention;
  private final MethodHandle lora;

  private CpuKernels(CpuLibrary library, MemorySegment context, CpuIsa isa) {
    this.isa = isa;
    MethodHandle close = library.procedure("ol_close", POINTER);
    // Closed with the arena, whose memory every later call refuses to pass.
    this.context = context.reinterpret(arena, opened -> close(close, opened));
    setDeterministic = library.function("ol_set_deterministic", INT, POINTER, INT);
    packedBytes = library.function("ol_packed_bytes", LONG, LONG, LONG);
    pack = library.function("ol_pack", INT, POINTER, LONG, LONG, LONG, LONG, LONG);
    linear = library.function("ol_linear", INT, POINTER, POINTER, LONG, LONG, LONG, LONG, LONG);
    packedBytesInt8 = library.function("ol_packed_bytes_int8", LONG, LONG, LONG);
    packInt8 =
        library.function("ol_pack_int8", INT, POINTER, LONG, LONG, LONG, LONG, LONG, POINTER);
    gatedLinear =
        library.function(
            "ol_gated_linear",
            INT,
            POINTER,
            LONG,
            INT,
            LONG,
            LONG,
            LONG,
            POINTER,
            POINTER,
            LONG,
            LONG,
            LONG);
    embedding =
        library.function("ol_embedding", INT, POINTER, POINTER, POINTER, LONG, LONG, LONG, LONG);
    rmsNorm =
        library.function(
            "ol_rms_norm", INT, POINTER, POINTER, POINTER, LONG, INT, LONG, LONG, FLOAT);
    rope = library.function("ol_rope", INT, POINTER, POINTER, LONG, LONG, LONG, LONG, LONG, LONG);
    siluMul = library.function("ol_silu_mul", INT, POINTER, POINTER, POINTER, POINTER, LONG, LONG);
    add = library.function("ol_add", INT, POINTER, POINTER, POINTER, LONG, LONG);
    top = library.function("ol_top", INT, POINTER, LONG, LONG, POINTER, LONG, LONG, LONG);
    sumExp = library.function("ol_sum_exp", INT, POINTER, POINTER, LONG, INT, LONG, FLOAT, FLOAT);
    writeKv =
        library.function("ol_write_kv", INT, POINTER, POINTER, POINTER, POINTER, POINTER, LONG);
    attention =
        library.function(
            "ol_attention",
            INT,
            POINTER,
            POINTER,
            POINTER,
            LONG,
            INT,
            LONG,
            INT,
            LONG,
            FLOAT,
            LONG);
    lora =
        library.function("ol_lora", INT, POINTER, POINTER, LONG, LONG, POINTER, LONG, LONG, LONG);
  }

  /**
   * Opens a context.
   *
   * @param threads that work on one operation, the caller's among them
   * @param best the newest instruction set to use; an older one is taken where the machine has less
   * @param spinNanos how long an idle thread polls before it sleeps
   */
  static CpuKernels open(int threads, CpuIsa best, long spinNanos) throws IOException {
    CpuLibrary library = CpuLibrary.load();
    MethodHandle open = library.function("ol_open", INT, POINTER, INT, INT, LONG);
    MethodHandle isaOf = library.function("ol_isa_of", INT, POINTER);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment out = call.allocate(POINTER);
      int status = (int) open.invoke(out, threads, best.mask(), spinNanos);
      if (status != 0) {
        throw new IOException(
            "native kernels: "
                + (status == 2
                    ? "this machine has none of the instruction sets up to " + best
                    : "status " + status));
      }
      MemorySegment context = out.get(ValueLayout.ADDRESS, 0);
      return new CpuKernels(library, context, CpuIsa.of((int) isaOf.invoke(context)));
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  CpuIsa isa() {
    return isa;
  }

  long packedBytes(CpuOps.Weights form, long out, long in) {
    try {
      return switch (form) {
        case BF16 -> (long) packedBytes.invokeExact(out, in);
        case INT8 -> (long) packedBytesInt8.invokeExact(out, in);
      };
    } catch (Throwable e) {
      throw thrown("ol_packed_bytes", e);
    }
  }

  void pack(Tensor packed, Tensor weight) {
    call(
        "ol_pack",
        () ->
            (int)
                pack.invokeExact(
                    context,
                    pointer(packed),
                    pointer(weight),
                    weight.size(0),
                    weight.size(1),
                    weight.strides()[0]));
  }

  /** Layers over the same x, and the packed weight of each. */
  void linear(List<Tensor> outs, Tensor x, List<PackedWeight> packed, List<AdaptedLinear> layers) {
    if (products.byteSize() < (long) layers.size() * PRODUCT_BYTES) {
      products = arena.allocate((long) layers.size() * PRODUCT_BYTES, 64);
    }
    reserve(layers.stream().mapToInt(each -> each.segments().size()).sum());
    int position = 0;
    for (int i = 0; i < layers.size(); i++) {
      MemorySegment product = products.asSlice((long) i * PRODUCT_BYTES, PRODUCT_BYTES);
      AdaptedLinear each = layers.get(i);
      rows(product, outs.get(i));
      product.set(LONG, 24, outs.get(i).size(1));
      layer(product.asSlice(32), packed.get(i), each.bias(), each.segments(), position);
      position += each.segments().size();
    }
    call(
        "ol_linear",
        () ->
            (int)
                linear.invokeExact(
                    context,
                    products,
                    (long) layers.size(),
                    pointer(x),
                    x.strides()[0],
                    x.size(0),
                    x.size(1)));
  }

  /** The weights of gate and up are the packed ones given beside them. */
  void gatedLinear(
      Tensor out,
      Tensor x,
      PackedWeight packedGate,
      AdaptedLinear gate,
      PackedWeight packedUp,
      AdaptedLinear up) {
    int gateCount = gate.segments().size();
    reserve(gateCount + up.segments().size());
    call(
        "ol_gated_linear",
        () ->
            (int)
                gatedLinear.invokeExact(
                    context,
                    pointer(out),
                    code(out),
                    out.strides()[0],
                    pointer(x),
                    x.strides()[0],
                    layer(layer, packedGate, gate.bias(), gate.segments(), 0),
                    layer(other, packedUp, up.bias(), up.segments(), gateCount),
                    x.size(0),
                    out.size(1),
                    x.size(1)));
  }

  /** Refuses a weight with a row that has no scale. */
  void packInt8(Tensor packed, Tensor weight) {
    try {
      int status =
          (int)
              packInt8.invokeExact(
                  context,
                  pointer(packed),
                  pointer(weight),
                  weight.size(0),
                  weight.size(1),
                  weight.strides()[0],
                  first);
      if (status == 4) {
        throw new IllegalArgumentException(
            "weight row: a NaN or an infinity in row "
                + first.get(LONG, 0)
                + " of "
                + weight
                + " (expected: finite values, as int8 has no others)");
      }
      check("ol_pack_int8", status);
    } catch (Throwable e) {
      throw thrown("ol_pack_int8", e);
    }
  }

  /** Refuses ids that the table does not have. */
  void embedding(Tensor out, Tensor table, Tensor ids) {
    try {
      int status =
          (int)
              embedding.invokeExact(
                  context,
                  rows(first, out),
                  rows(second, table),
                  pointer(ids),
                  ids.size(0),
                  table.size(0),
                  table.size(1));
      if (status == 1) {
        throw new IllegalArgumentException(
            "embedding ids: one outside the table (expected: 0 to " + (table.size(0) - 1) + ")");
      }
      check("ol_embedding", status);
    } catch (Throwable e) {
      throw thrown("ol_embedding", e);
    }
  }

  void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    call(
        "ol_rms_norm",
        () ->
            (int)
                rmsNorm.invokeExact(
                    context,
                    rows(first, out),
                    rows(second, x),
                    pointer(weight),
                    code(weight),
                    x.size(0),
                    x.size(1),
                    epsilon));
  }

  /** x: [rows, heads, headSize], contiguous within a row */
  void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    call(
        "ol_rope",
        () ->
            (int)
                rope.invokeExact(
                    context,
                    rows(first, x),
                    pointer(cos),
                    pointer(sin),
                    pointer(positions),
                    x.size(0),
                    x.size(1),
                    x.size(2)));
  }

  void siluMul(Tensor out, Tensor gate, Tensor up) {
    call(
        "ol_silu_mul",
        () ->
            (int)
                siluMul.invokeExact(
                    context,
                    rows(first, out),
                    rows(second, gate),
                    rows(third, up),
                    out.size(0),
                    out.size(1)));
  }

  void setDeterministic(boolean on) {
    call("ol_set_deterministic", () -> (int) setDeterministic.invokeExact(context, on ? 1 : 0));
  }

  void add(Tensor y, Tensor x) {
    call(
        "ol_add",
        () ->
            (int) add.invokeExact(context, rows(first, y), rows(second, x), y.size(0), y.size(1)));
  }

  void topK(Tensor values, Tensor ids, Tensor x) {
    call(
        "ol_top",
        () ->
            (int)
                top.invokeExact(
                    context,
                    pointer(values),
                    pointer(ids),
                    rows(first, x),
                    x.size(0),
                    x.size(1),
                    values.size(1)));
  }

  double sumExp(Tensor x, float greatest, float scale) {
    call(
        "ol_sum_exp",
        () ->
            (int)
                sumExp.invokeExact(
                    context, first, pointer(x), code(x), x.size(1), greatest, scale));
    return first.get(ValueLayout.JAVA_DOUBLE, 0);
  }

  void writeKv(CpuKvPages pages, int layer, Tensor k, Tensor v, Tensor slots) {
    call(
        "ol_write_kv",
        () ->
            (int)
                writeKv.invokeExact(
                    context,
                    kv(pages, layer),
                    rows(first, k),
                    rows(second, v),
                    MemorySegment.ofAddress(pointer(slots)),
                    k.size(0)));
  }

  void attention(CpuAttention plan, int layer, Tensor out, Tensor q, float scale, int window) {
    batch.set(LONG, 0, pointer(plan.starts()));
    batch.set(LONG, 8, pointer(plan.lengths()));
    batch.set(LONG, 16, pointer(plan.tables()));
    batch.set(LONG, 24, pointer(plan.pageIds()));
    batch.set(LONG, 32, plan.batch().sequences());
    call(
        "ol_attention",
        () ->
            (int)
                attention.invokeExact(
                    context,
                    kv(plan.pages(), layer),
                    batch,
                    pointer(out),
                    code(out),
                    pointer(q),
                    code(q),
                    q.size(1),
                    scale,
                    (long) window));
  }

  void lora(Tensor y, Tensor x, List<LoraSegment> segments) {
    reserve(segments.size());
    call(
        "ol_lora",
        () ->
            (int)
                lora.invokeExact(
                    context,
                    rows(first, y),
                    pointer(x),
                    x.strides()[0],
                    adapters(adapters, segments, 0, false),
                    x.size(0),
                    x.size(1),
                    y.size(1)));
  }

  private MemorySegment layer(
      MemorySegment into,
      PackedWeight packed,
      @Nullable Tensor bias,
      List<LoraSegment> adapters,
      int position) {
    into.set(LONG, 0, pointer(packed.memory()));
    into.set(LONG, 8, packed.form() == CpuOps.Weights.INT8 ? 2 : 1);
    into.set(LONG, 16, address(bias));
    adapters(into.asSlice(24, ADAPTERS_BYTES), adapters, position, true);
    return into;
  }

  private void reserve(int count) {
    if (segments.byteSize() < (long) count * SEGMENT_BYTES) {
      segments = arena.allocate(2L * count * SEGMENT_BYTES, 64);
    }
  }

  /**
   * Segments from a position of the reserved ones on.
   *
   * @param constant whether the matrices of a tensor never change
   */
  private MemorySegment adapters(
      MemorySegment into, List<LoraSegment> adapters, int position, boolean constant) {
    into.set(LONG, 0, segments.address() + (long) position * SEGMENT_BYTES);
    into.set(LONG, 8, adapters.size());
    for (int i = 0; i < adapters.size(); i++) {
      LoraSegment adapter = adapters.get(i);
      long at = (long) (position + i) * SEGMENT_BYTES;
      Tensor a = adapter.a();
      Tensor b = adapter.b();
      Tensor vector = adapter.gain() != null ? adapter.gain() : adapter.shift();
      segments.set(LONG, at, adapter.from());
      segments.set(LONG, at + 8, adapter.to());
      segments.set(LONG, at + 16, address(a));
      segments.set(LONG, at + 24, address(b));
      segments.set(LONG, at + 32, a == null ? 0 : a.size(0));
      segments.set(LONG, at + 40, address(adapter.gain()));
      segments.set(LONG, at + 48, address(adapter.shift()));
      segments.set(FLOAT, at + 56, adapter.scale());
      segments.set(INT, at + 60, vector == null ? 1 : code(vector));
      segments.set(LONG, at + 64, constant && a != null ? a.id() : 0);
      segments.set(LONG, at + 72, constant && b != null ? b.id() : 0);
    }
    return into;
  }

  private MemorySegment kv(CpuKvPages pages, int layer) {
    kv.set(LONG, 0, pointer(pages.keys(layer)));
    kv.set(LONG, 8, pointer(pages.values(layer)));
    kv.set(LONG, 16, pages.shape().kvHeads());
    kv.set(LONG, 24, pages.shape().headSize());
    return kv;
  }

  private static MemorySegment rows(MemorySegment into, Tensor x) {
    into.set(LONG, 0, pointer(x));
    into.set(LONG, 8, x.strides()[0]);
    into.set(LONG, 16, code(x));
    return into;
  }

  /** Refuses memory that is no longer the tensor's. */
  private static long pointer(Tensor tensor) {
    tensor.checkAlive();
    return tensor.address();
  }

  private static long address(@Nullable Tensor tensor) {
    return tensor == null ? 0 : pointer(tensor);
  }

  private static int code(Tensor x) {
    return x.dtype() == DType.BF16 ? 1 : 0;
  }

  /** A C function that returns a status. */
  private interface Call {
    int run() throws Throwable;
  }

  private static void call(String function, Call call) {
    try {
      check(function, call.run());
    } catch (Throwable e) {
      throw thrown(function, e);
    }
  }

  private static void check(String function, int status) {
    if (status != 0) {
      throw new IllegalStateException(
          "native kernels: "
              + function
              + ": "
              + (status == 3 ? "out of memory" : "status " + status));
    }
  }

  private static RuntimeException thrown(String function, Throwable e) {
    if (e instanceof RuntimeException exception) {
      return exception;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("native kernels: " + function, e);
  }

  @Override
  public void close() {
    arena.close();
  }

  private static void close(MethodHandle close, MemorySegment context) {
    try {
      close.invokeExact(context);
    } catch (Throwable e) {
      throw thrown("ol_close", e);
    }
  }
}
