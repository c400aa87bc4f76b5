package dev.openlora.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The C ABI refuses arguments that cannot be right before it looks at any data: every data pointer
 * here is a page that nobody may touch, so the calls run in a JVM of their own.
 */
final class CpuAbiTest {
  private static final int BAD_ARGUMENT = 1;
  private static final int UNSUPPORTED = 2;

  @Test
  void refusesBadArgumentsWithoutTouchingAnyData() throws Exception {
    List<String> lines = ChildJvm.run(Refusals.class).lines().toList();
    assertThat(lines).last().as("after %s", lines.get(lines.size() - 2)).isEqualTo("exit 0");
    assertThat(lines).filteredOn(line -> line.contains("status")).isEmpty();
    assertThat(lines).hasSizeGreaterThan(100);
  }

  /** Calls each function with one wrong argument at a time; a wrong status is told in a line. */
  static final class Refusals {
    private final CpuLibrary library;
    private final Arena arena;
    private final MemorySegment context;
    private final long data = GuardedMemory.forbiddenPage();

    private Refusals(CpuLibrary library, Arena arena) throws Throwable {
      this.library = library;
      this.arena = arena;
      MemorySegment out = arena.allocate(ADDRESS);
      MethodHandle open =
          library.function("ol_open", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG);
      int status = (int) open.invoke(out, 2, 7, 1000L);
      if (status != 0) {
        throw new IllegalStateException("ol_open: " + status);
      }
      context = out.get(ADDRESS, 0);
    }

    public static void main(String[] arguments) throws Throwable {
      try (Arena arena = Arena.ofConfined()) {
        Refusals refusals = new Refusals(CpuLibrary.load(), arena);
        refusals.opening();
        refusals.products();
        refusals.rows();
        refusals.attention();
        refusals.lora();
        MethodHandle close = refusals.library.procedure("ol_close", ADDRESS);
        System.out.println("ol_close null");
        close.invoke(MemorySegment.NULL);
        close.invoke(refusals.context);
      }
    }

    /** A wrong value of one argument. */
    private record Wrong(int index, Object value) {}

    private static Wrong wrong(int index, Object value) {
      return new Wrong(index, value);
    }

    private void refused(String name, Object[] right, Wrong... wrongs) throws Throwable {
      MemoryLayout[] layouts = new MemoryLayout[right.length];
      for (int i = 0; i < right.length; i++) {
        layouts[i] =
            switch (right[i]) {
              case MemorySegment _ -> ADDRESS;
              case Integer _ -> JAVA_INT;
              case Float _ -> JAVA_FLOAT;
              default -> JAVA_LONG;
            };
      }
      MethodHandle function = library.function(name, JAVA_INT, layouts);
      for (Wrong wrong : wrongs) {
        Object[] arguments = right.clone();
        arguments[wrong.index()] = wrong.value();
        System.out.println(name + " argument " + wrong.index() + ": " + wrong.value());
        int status = (int) function.invokeWithArguments(Arrays.asList(arguments));
        if (status != BAD_ARGUMENT) {
          System.out.println("status " + status + " (expected: " + BAD_ARGUMENT + ")");
        }
      }
    }

    private MemorySegment pointer() {
      return MemorySegment.ofAddress(data);
    }

    private MemorySegment struct(long... fields) {
      return arena.allocateFrom(JAVA_LONG, fields);
    }

    private void opening() throws Throwable {
      MemorySegment out = arena.allocate(ADDRESS);
      MemorySegment none = MemorySegment.NULL;
      Object[] right = {out, 1, 7, 0L};
      refused(
          "ol_open",
          right,
          wrong(0, none),
          wrong(1, 0),
          wrong(1, -1),
          wrong(1, 1025),
          wrong(3, -1L));
      MethodHandle open =
          library.function("ol_open", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_LONG);
      int status = (int) open.invoke(out, 1, 0, 0L);
      if (status != UNSUPPORTED) {
        System.out.println("status " + status + " of no instruction set");
      }
    }

    private void products() throws Throwable {
      MemorySegment none = MemorySegment.NULL;
      MemorySegment odd = MemorySegment.ofAddress(data + 32);
      // context, packed, weight, n, k, stride
      refused(
          "ol_pack",
          new Object[] {context, pointer(), pointer(), 5L, 7L, 7L},
          wrong(0, none),
          wrong(1, none),
          wrong(1, odd),
          wrong(2, none),
          wrong(3, 0L),
          wrong(3, -5L),
          wrong(4, 0L),
          wrong(4, -7L),
          wrong(5, 6L));
      // context, products, count, x, x stride, m, k
      MemorySegment layer = layer(data, adapters());
      MemorySegment out = struct(data, 5, 0);
      MemorySegment product = product(out, 5, layer);
      Object[] linear = {context, product, 1L, pointer(), 7L, 3L, 7L};
      refused(
          "ol_linear",
          linear,
          wrong(0, none),
          wrong(1, none),
          wrong(1, product(struct(0, 5, 0), 5, layer)),
          wrong(1, product(struct(data, 4, 0), 5, layer)),
          wrong(1, product(struct(data, 5, 2), 5, layer)),
          wrong(1, product(struct(data, 5, -1), 5, layer)),
          wrong(1, product(out, 0, layer)),
          wrong(1, product(out, -5, layer)),
          wrong(2, 0L),
          wrong(2, -1L),
          wrong(3, none),
          wrong(4, 6L),
          wrong(5, -1L),
          wrong(6, 0L),
          wrong(6, -7L));
      for (Wrong wrong : wrongLayers(1)) {
        if (!wrong.value().equals(none)) {
          MemorySegment wrongLayer = (MemorySegment) wrong.value();
          refused("ol_linear", linear, wrong(1, product(out, 5, wrongLayer)));
          linear[2] = 2L;
          refused("ol_linear", linear, wrong(1, two(product, product(out, 5, wrongLayer))));
          linear[2] = 1L;
        }
      }
      // context, out, out type, out stride, x, x stride, gate, up, m, n, k
      Object[] gated = {context, pointer(), 0, 5L, pointer(), 7L, layer, layer, 3L, 5L, 7L};
      refused(
          "ol_gated_linear",
          gated,
          wrong(0, none),
          wrong(1, none),
          wrong(2, 2),
          wrong(2, -1),
          wrong(3, 4L),
          wrong(4, none),
          wrong(5, 6L));
      refused("ol_gated_linear", gated, wrongLayers(6));
      refused("ol_gated_linear", gated, wrongLayers(7));
      refused(
          "ol_gated_linear",
          gated,
          wrong(8, -1L),
          wrong(9, 0L),
          wrong(9, -5L),
          wrong(10, 0L),
          wrong(10, -7L));
    }

    private MemorySegment product(MemorySegment out, long n, MemorySegment layer) {
      MemorySegment product = arena.allocate(72, 8);
      MemorySegment.copy(out, 0, product, 0, 24);
      product.set(JAVA_LONG, 24, n);
      MemorySegment.copy(layer, 0, product, 32, 40);
      return product;
    }

    private MemorySegment two(MemorySegment first, MemorySegment second) {
      MemorySegment both = arena.allocate(144, 8);
      MemorySegment.copy(first, 0, both, 0, 72);
      MemorySegment.copy(second, 0, both, 72, 72);
      return both;
    }

    /** The wrong forms of a layer for 3 rows. */
    private Wrong[] wrongLayers(int index) {
      return new Wrong[] {
        wrong(index, MemorySegment.NULL),
        wrong(index, layer(0, adapters())),
        wrong(index, layer(data + 32, adapters())),
        wrong(index, layer(data, 0, adapters())),
        wrong(index, layer(data, 3, adapters())),
        wrong(index, layer(data, 2, adapters(segment(0, 4, data, data, 4, 1)))),
        wrong(index, layer(data, struct(0, 1))),
        wrong(index, layer(data, adapters(segment(0, 4, data, data, 4, 1)))),
        wrong(index, layer(data, adapters(segment(0, 2, data, 0, 4, 1)))),
      };
    }

    private MemorySegment layer(long packed, MemorySegment adapters) {
      return layer(packed, 1, adapters);
    }

    private MemorySegment layer(long packed, long dtype, MemorySegment adapters) {
      return struct(packed, dtype, 0, adapters.get(JAVA_LONG, 0), adapters.get(JAVA_LONG, 8));
    }

    /** The wrong forms of a matrix of {@code width}. */
    private Wrong[] wrongRows(int index, long width) {
      return new Wrong[] {
        wrong(index, MemorySegment.NULL),
        wrong(index, struct(0, width, 0)),
        wrong(index, struct(data, width - 1, 0)),
        wrong(index, struct(data, -width, 0)),
        wrong(index, struct(data, width, 2)),
        wrong(index, struct(data, width, -1)),
      };
    }

    private void rows() throws Throwable {
      MemorySegment none = MemorySegment.NULL;
      MemorySegment x = struct(data, 6, 0);
      MemorySegment narrow = struct(data, 6, 1);
      MemorySegment ids = arena.allocateFrom(JAVA_INT, 4, 0);
      Object[] look = {context, x, x, ids, 2L, 5L, 6L};
      refused("ol_embedding", look, wrongRows(1, 6));
      refused("ol_embedding", look, wrongRows(2, 6));
      refused(
          "ol_embedding",
          look,
          wrong(0, none),
          wrong(2, narrow),
          wrong(3, none),
          wrong(3, arena.allocateFrom(JAVA_INT, 4, 5)),
          wrong(3, arena.allocateFrom(JAVA_INT, 4, -1)),
          wrong(4, -1L),
          wrong(5, 0L),
          wrong(5, -1L),
          wrong(6, 0L),
          wrong(6, -6L));
      Object[] norm = {context, x, x, pointer(), 0, 2L, 6L, 1e-6f};
      refused("ol_rms_norm", norm, wrongRows(1, 6));
      refused("ol_rms_norm", norm, wrongRows(2, 6));
      refused(
          "ol_rms_norm",
          norm,
          wrong(0, none),
          wrong(3, none),
          wrong(4, 2),
          wrong(5, -1L),
          wrong(6, 0L),
          wrong(6, -6L));
      // context, x, cos, sin, positions, rows, heads, head size
      Object[] rope = {context, x, pointer(), pointer(), pointer(), 2L, 1L, 6L};
      refused("ol_rope", rope, wrongRows(1, 6));
      refused(
          "ol_rope",
          rope,
          wrong(0, none),
          wrong(2, none),
          wrong(3, none),
          wrong(4, none),
          wrong(5, -1L),
          wrong(6, 0L),
          wrong(6, -1L),
          wrong(6, 2L),
          wrong(6, Long.MAX_VALUE / 3),
          wrong(7, 0L),
          wrong(7, 5L),
          wrong(7, -2L));
      Object[] silu = {context, x, x, x, 2L, 6L};
      for (int i = 1; i <= 3; i++) {
        refused("ol_silu_mul", silu, wrongRows(i, 6));
      }
      refused(
          "ol_silu_mul",
          silu,
          wrong(0, none),
          wrong(2, narrow),
          wrong(3, narrow),
          wrong(4, -1L),
          wrong(5, 0L),
          wrong(5, -1L));
      Object[] add = {context, x, x, 2L, 6L};
      refused("ol_add", add, wrongRows(1, 6));
      refused("ol_add", add, wrongRows(2, 6));
      refused("ol_add", add, wrong(0, none), wrong(3, -1L), wrong(4, 0L));
      // context, values, ids, x, rows, width, count
      Object[] top = {context, pointer(), pointer(), struct(data, 100, 0), 2L, 100L, 5L};
      refused("ol_top", top, wrongRows(3, 100));
      refused(
          "ol_top",
          top,
          wrong(0, none),
          wrong(1, none),
          wrong(2, none),
          wrong(4, -1L),
          wrong(5, 0L),
          wrong(5, 4L),
          wrong(5, 1L << 32),
          wrong(6, 0L),
          wrong(6, -1L),
          wrong(6, 65L));
      // context, sum, x, type, width, greatest, scale
      refused(
          "ol_sum_exp",
          new Object[] {context, pointer(), pointer(), 0, 6L, 1f, 1f},
          wrong(0, none),
          wrong(1, none),
          wrong(2, none),
          wrong(3, 2),
          wrong(3, -1),
          wrong(4, 0L),
          wrong(4, -6L),
          wrong(6, 0f),
          wrong(6, -1f),
          wrong(6, Float.NaN));
    }

    /** The wrong forms of keys and values with 2 heads of 6. */
    private Wrong[] wrongKv() {
      return new Wrong[] {
        wrong(1, MemorySegment.NULL),
        wrong(1, struct(0, data, 2, 6)),
        wrong(1, struct(data, 0, 2, 6)),
        wrong(1, struct(data, data, 0, 6)),
        wrong(1, struct(data, data, -2, 6)),
        wrong(1, struct(data, data, 2, 0)),
        wrong(1, struct(data, data, 2, -6)),
        wrong(1, struct(data, data, Long.MAX_VALUE / 5, 6)),
      };
    }

    private void attention() throws Throwable {
      MemorySegment none = MemorySegment.NULL;
      MemorySegment kv = struct(data, data, 2, 6);
      MemorySegment k = struct(data, 12, 1);
      MemorySegment slots = arena.allocateFrom(JAVA_INT, 3, 4);
      Object[] write = {context, kv, k, k, slots, 2L};
      refused("ol_write_kv", write, wrongKv());
      refused("ol_write_kv", write, wrongRows(2, 12));
      refused("ol_write_kv", write, wrongRows(3, 12));
      MemorySegment negative = arena.allocateFrom(JAVA_INT, 3, -1);
      refused("ol_write_kv", write, wrong(0, none), wrong(4, none), wrong(4, negative));
      MemorySegment otherType = struct(data, 12, 0);
      refused("ol_write_kv", write, wrong(3, otherType), wrong(5, -1L));

      long starts = arena.allocateFrom(JAVA_INT, 0, 2, 3).address();
      long lengths = arena.allocateFrom(JAVA_INT, 5, 1).address();
      long shorter = arena.allocateFrom(JAVA_INT, 1, 1).address();
      long backwards = arena.allocateFrom(JAVA_INT, 0, 2, 1).address();
      long tables = arena.allocateFrom(JAVA_INT, 0, 1).address();
      long before = arena.allocateFrom(JAVA_INT, 0, -1).address();
      long pages = data;
      // context, kv, batch, out, out type, q, q type, heads, scale, window
      Object[] attend = {
        context,
        kv,
        struct(starts, lengths, tables, pages, 2),
        pointer(),
        0,
        pointer(),
        0,
        4L,
        0.5f,
        0L
      };
      refused("ol_attention", attend, wrongKv());
      refused(
          "ol_attention",
          attend,
          wrong(0, none),
          wrong(2, none),
          wrong(2, struct(0, lengths, tables, pages, 2)),
          wrong(2, struct(starts, 0, tables, pages, 2)),
          wrong(2, struct(starts, lengths, 0, pages, 2)),
          wrong(2, struct(starts, lengths, tables, 0, 2)),
          wrong(2, struct(starts, lengths, tables, pages, -1)),
          wrong(2, struct(starts, shorter, tables, pages, 2)),
          wrong(2, struct(backwards, lengths, tables, pages, 2)),
          wrong(2, struct(starts, lengths, before, pages, 2)),
          wrong(3, none),
          wrong(4, 2),
          wrong(5, none),
          wrong(6, -1),
          wrong(7, 0L),
          wrong(7, 3L),
          wrong(7, -2L),
          wrong(9, -1L));
    }

    /** A segment on the rows [from, to); no gain, no shift. */
    private MemorySegment segment(long from, long to, long a, long b, long rank, int vectorType) {
      MemorySegment segment = struct(from, to, a, b, rank, 0, 0, 0, 0, 0);
      segment.set(JAVA_FLOAT, 56, 0.5f);
      segment.set(JAVA_INT, 60, vectorType);
      return segment;
    }

    private MemorySegment adapters(MemorySegment... segments) {
      MemorySegment all = arena.allocate(80L * (segments.length + 1), 8);
      for (int i = 0; i < segments.length; i++) {
        MemorySegment.copy(segments[i], 0, all, 80L * i, 80);
      }
      return struct(all.address(), segments.length);
    }

    private void lora() throws Throwable {
      MemorySegment none = MemorySegment.NULL;
      MemorySegment y = struct(data, 6, 0);
      MemorySegment right = segment(0, 2, data, data, 4, 1);
      // context, y, x, x stride, adapters, rows, in, out
      Object[] lora = {context, y, pointer(), 7L, adapters(right), 3L, 7L, 6L};
      refused("ol_lora", lora, wrongRows(1, 6));
      refused(
          "ol_lora",
          lora,
          wrong(0, none),
          wrong(2, none),
          wrong(3, 6L),
          wrong(4, none),
          wrong(4, struct(0, 1)),
          wrong(4, struct(data, -1)),
          wrong(4, adapters(segment(-1, 2, data, data, 4, 1))),
          wrong(4, adapters(segment(2, 2, data, data, 4, 1))),
          wrong(4, adapters(segment(3, 2, data, data, 4, 1))),
          wrong(4, adapters(segment(2, 4, data, data, 4, 1))),
          wrong(4, adapters(segment(0, 2, data, 0, 4, 1))),
          wrong(4, adapters(segment(0, 2, 0, data, 4, 1))),
          wrong(4, adapters(segment(0, 2, data, data, 0, 1))),
          wrong(4, adapters(segment(0, 2, data, data, -4, 1))),
          wrong(4, adapters(segment(0, 2, data, data, 4, 2))),
          wrong(4, adapters(right, segment(2, 3, data, data, 4, 0))),
          wrong(5, -1L),
          wrong(6, 0L),
          wrong(6, -7L),
          wrong(7, 0L),
          wrong(7, -6L));
    }
  }
}
