package dev.openlora.kernels;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.StringJoiner;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * libtorch's stable C ABI, called through FFM. A handle is an {@code at::Tensor*}; whoever gets one
 * deletes it. Only symbols that libtorch 2.7 to 2.13 share are used, so one class file runs on all
 * of them. The method handles are constants and take the function's address as an argument: the
 * address is known only at run time, and a constant handle is what the JIT compiles to a bare call.
 * Any thread.
 *
 * <p>The dispatcher deletes the handles that it is given, so it gets copies of them. On 2.7 it
 * refuses schemas with lists or a Scalar; the operations here have neither, or have a C function of
 * their own. An error's text is in libtorch from 2.13 on; before that it is on the standard error
 * stream.
 */
final class Torch {
  static final int FLOAT = 6;
  static final int COMPLEX_FLOAT = 9;
  private static final int BYTE = 0;

  private static final AtomicLong LIVE = new AtomicLong();
  private static final Linker LINKER = Linker.nativeLinker();
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;
  private static final AddressLayout POINTER = ValueLayout.ADDRESS;

  private static final MethodHandle CREATE =
      function(LONG, LONG, POINTER, POINTER, LONG, INT, INT, INT, POINTER);
  private static final MethodHandle EMPTY =
      function(LONG, POINTER, POINTER, INT, INT, INT, POINTER);
  private static final MethodHandle ONE = function(LONG);
  private static final MethodHandle COUNT = LINKER.downcallHandle(FunctionDescriptor.ofVoid(INT));
  private static final MethodHandle ONE_AND_RESULT = function(LONG, POINTER);
  private static final MethodHandle TWO_AND_FLAG = function(LONG, LONG, INT);
  private static final MethodHandle THREE = function(LONG, LONG, LONG);
  private static final MethodHandle SCALED = function(LONG, LONG, LONG, LONG, DOUBLE, DOUBLE);
  private static final MethodHandle SUM = function(LONG, LONG, DOUBLE, POINTER);
  private static final MethodHandle DISPATCH = function(POINTER, POINTER, POINTER);
  private static final MethodHandle TEXT =
      LINKER.downcallHandle(
          FunctionDescriptor.of(
              POINTER.withTargetLayout(
                  MemoryLayout.sequenceLayout(64 * 1024, ValueLayout.JAVA_BYTE))));

  /** An operator that is reached by name. */
  enum Operator {
    INDEX_SELECT("aten::index_select", "out"),
    INDEX_COPY("aten::index_copy_", ""),
    MULTIPLY("aten::mul", "out"),
    RECIPROCAL_ROOT("aten::rsqrt", "out"),
    ROOT("aten::sqrt", "out"),
    SILU("aten::silu", "out"),
    COMPLEX("aten::complex", "out"),
    SOFTMAX("aten::_softmax", "out");

    private final String name;
    private final MemorySegment schema;
    private final MemorySegment overload;

    Operator(String schema, String overload) {
      this.name = schema;
      this.schema = Arena.global().allocateFrom(schema);
      this.overload = Arena.global().allocateFrom(overload);
    }
  }

  /** Native memory for the arguments of one call of one thread. */
  private static final class Frame {
    private final MemorySegment memory = Arena.ofAuto().allocate(256, 64);
    private final MemorySegment sizes = memory.asSlice(0, 64);
    private final MemorySegment strides = memory.asSlice(64, 64);
    private final MemorySegment stack = memory.asSlice(128, 64);
    private final MemorySegment result = memory.asSlice(192, 8);
  }

  private static final ThreadLocal<Frame> FRAMES = ThreadLocal.withInitial(Frame::new);

  private final TorchLibrary library;
  private final Device device;
  private final MemorySegment create;
  private final MemorySegment empty;
  private final MemorySegment delete;
  private final MemorySegment dataPointer;
  private final MemorySegment copyHandle;
  private final MemorySegment copyElements;
  private final MemorySegment zero;
  private final MemorySegment mm;
  private final MemorySegment bmm;
  private final MemorySegment addmm;
  private final MemorySegment baddbmm;
  private final MemorySegment add;
  private final MemorySegment dispatch;
  private final @Nullable MemorySegment limitOpenMp;
  private final @Nullable MemorySegment limitMkl;
  private final @Nullable MemorySegment lastError;

  Torch(TorchLibrary library, Device device) {
    this.library = library;
    this.device = device;
    create = find("aoti_torch_create_tensor_from_blob");
    empty = find("aoti_torch_empty_strided");
    delete = find("aoti_torch_delete_tensor_object");
    dataPointer = find("aoti_torch_get_data_ptr");
    copyHandle = find("aoti_torch_new_tensor_handle");
    copyElements = find("aoti_torch_copy_");
    zero = find("aoti_torch_zero_");
    String backend = device.kind() == Device.Kind.CPU ? "aoti_torch_cpu_" : "aoti_torch_cuda_";
    mm = find(backend + "mm_out");
    bmm = find(backend + "bmm_out");
    addmm = find(backend + "addmm_out");
    baddbmm = find(backend + "baddbmm_out");
    add = find(backend + "add_Tensor");
    dispatch = find("aoti_torch_call_dispatcher");
    limitOpenMp = library.find("omp_set_num_threads").orElse(null);
    limitMkl = library.find("MKL_Set_Num_Threads_Local").orElse(null);
    lastError = library.find("torch_exception_get_what_without_backtrace").orElse(null);
  }

  private MemorySegment find(String symbol) {
    return library
        .find(symbol)
        .orElseThrow(() ->
            new TorchException(
                "libtorch "
                    + library.version()
                    + " in "
                    + library.folder()
                    + ": no "
                    + symbol
                    + " (expected: 2.7 or newer"
                    + (device == Device.CPU ? "" : ", with CUDA")
                    + ")"));
  }

  private static MethodHandle function(MemoryLayout... arguments) {
    return LINKER.downcallHandle(FunctionDescriptor.of(INT, arguments));
  }

  /**
   * Keeps operations of the calling thread, and of no other, on this thread alone until {@link
   * #useAllThreads}. Where libtorch lacks the symbols, nothing changes but the speed.
   */
  void useOneThread() {
    limit(limitOpenMp, 1);
    limit(limitMkl, 1);
  }

  /** Lets operations of the calling thread use all of libtorch's threads again. */
  void useAllThreads() {
    int noLimitOfThisThread = 0;
    limit(limitOpenMp, Math.max(1, library.threads()));
    limit(limitMkl, noLimitOfThisThread);
  }

  private static void limit(@Nullable MemorySegment function, int threads) {
    if (function == null) {
      return;
    }
    try {
      COUNT.invokeExact(function, threads);
    } catch (Throwable e) {
      throw thrown("thread limit", e);
    }
  }

  /** Handles that nobody has deleted yet, in the process. */
  static long liveHandles() {
    return LIVE.get();
  }

  Device device() {
    return device;
  }

  /** A handle on a tensor's memory. */
  long view(Tensor tensor) {
    return view(
        tensor.address(),
        tensor.dtype().torchCode(),
        tensor.device(),
        tensor.shape(),
        tensor.strides());
  }

  /** A handle on memory that outlives it; strides in elements. */
  long view(long address, int torchDType, Device device, long[] sizes, long[] strides) {
    Frame frame = FRAMES.get();
    for (int i = 0; i < sizes.length; i++) {
      frame.sizes.setAtIndex(LONG, i, sizes[i]);
      frame.strides.setAtIndex(LONG, i, strides[i]);
    }
    int status;
    try {
      status =
          (int)
              CREATE.invokeExact(
                  create,
                  address,
                  (long) sizes.length,
                  frame.sizes,
                  frame.strides,
                  0L,
                  torchDType,
                  torchDevice(device),
                  device.index(),
                  frame.result);
    } catch (Throwable e) {
      throw thrown("view", e);
    }
    if (status != 0) {
      throw failed("view " + Arrays.toString(sizes) + " strides " + Arrays.toString(strides));
    }
    return result(frame);
  }

  /** A handle on new memory of torch's own allocator, freed with the handle. */
  long allocate(long bytes, Device device) {
    Frame frame = FRAMES.get();
    frame.sizes.set(LONG, 0, bytes);
    frame.strides.set(LONG, 0, 1);
    int status;
    try {
      status =
          (int)
              EMPTY.invokeExact(
                  empty,
                  1L,
                  frame.sizes,
                  frame.strides,
                  BYTE,
                  torchDevice(device),
                  device.index(),
                  frame.result);
    } catch (Throwable e) {
      throw thrown("allocate", e);
    }
    if (status != 0) {
      throw failed("allocate " + bytes + " bytes on " + device);
    }
    return result(frame);
  }

  private static long result(Frame frame) {
    LIVE.incrementAndGet();
    return frame.result.get(LONG, 0);
  }

  long address(long handle) {
    Frame frame = FRAMES.get();
    int status;
    try {
      status = (int) ONE_AND_RESULT.invokeExact(dataPointer, handle, frame.result);
    } catch (Throwable e) {
      throw thrown("data pointer", e);
    }
    if (status != 0) {
      throw failed("data pointer");
    }
    return frame.result.get(LONG, 0);
  }

  void delete(long handle) {
    int status;
    try {
      status = (int) ONE.invokeExact(delete, handle);
    } catch (Throwable e) {
      throw thrown("delete", e);
    }
    if (status != 0) {
      throw failed("delete");
    }
    LIVE.decrementAndGet();
  }

  /** dst = src, whatever their dtypes, strides and devices; waits for the result. */
  void copy(long dst, long src) {
    int status;
    try {
      status = (int) TWO_AND_FLAG.invokeExact(copyElements, dst, src, 0);
    } catch (Throwable e) {
      throw thrown("copy", e);
    }
    if (status != 0) {
      throw failed("copy", dst, src);
    }
  }

  void zero(long handle) {
    int status;
    try {
      status = (int) ONE.invokeExact(zero, handle);
    } catch (Throwable e) {
      throw thrown("zero", e);
    }
    if (status != 0) {
      throw failed("zero", handle);
    }
  }

  /** out = a b */
  void mm(long out, long a, long b) {
    three("mm", mm, out, a, b);
  }

  /** out[i] = a[i] b[i] */
  void bmm(long out, long a, long b) {
    three("bmm", bmm, out, a, b);
  }

  private void three(String name, MemorySegment function, long out, long a, long b) {
    int status;
    try {
      status = (int) THREE.invokeExact(function, out, a, b);
    } catch (Throwable e) {
      throw thrown(name, e);
    }
    if (status != 0) {
      throw failed(name, out, a, b);
    }
  }

  /** out = beta · self + alpha · a b */
  void addmm(long out, long self, long a, long b, double beta, double alpha) {
    scaled("addmm", addmm, out, self, a, b, beta, alpha);
  }

  /** out[i] = beta · self[i] + alpha · a[i] b[i] */
  void baddbmm(long out, long self, long a, long b, double beta, double alpha) {
    scaled("baddbmm", baddbmm, out, self, a, b, beta, alpha);
  }

  private void scaled(
      String name,
      MemorySegment function,
      long out,
      long self,
      long a,
      long b,
      double beta,
      double alpha) {
    int status;
    try {
      status = (int) SCALED.invokeExact(function, out, self, a, b, beta, alpha);
    } catch (Throwable e) {
      throw thrown(name, e);
    }
    if (status != 0) {
      throw failed(name, out, self, a, b);
    }
  }

  /** A new tensor a + b. */
  long sum(long a, long b) {
    return sum(a, b, 1);
  }

  /** A new tensor a + scale · b. */
  long sum(long a, long b, double scale) {
    Frame frame = FRAMES.get();
    int status;
    try {
      status = (int) SUM.invokeExact(add, a, b, scale, frame.result);
    } catch (Throwable e) {
      throw thrown("add", e);
    }
    if (status != 0) {
      throw failed("add", a, b);
    }
    return result(frame);
  }

  /** out = operator(self) */
  void apply(Operator operator, long self, long out) {
    MemorySegment stack = FRAMES.get().stack;
    push(stack, 0, self);
    push(stack, 1, out);
    dispatch(operator, stack, out, self, 0);
  }

  /** out = operator(self, other) */
  void apply(Operator operator, long self, long other, long out) {
    MemorySegment stack = FRAMES.get().stack;
    push(stack, 0, self);
    push(stack, 1, other);
    push(stack, 2, out);
    dispatch(operator, stack, out, self, other);
  }

  /** out[i] = table[index[i]] along the first dimension. */
  void indexSelect(long out, long table, long index) {
    MemorySegment stack = FRAMES.get().stack;
    push(stack, 0, table);
    stack.setAtIndex(LONG, 1, 0);
    push(stack, 2, index);
    push(stack, 3, out);
    dispatch(Operator.INDEX_SELECT, stack, out, table, index);
  }

  /** table[index[i]] = source[i] along the first dimension; index: I64 */
  void indexCopy(long table, long index, long source) {
    MemorySegment stack = FRAMES.get().stack;
    push(stack, 0, table);
    stack.setAtIndex(LONG, 1, 0);
    push(stack, 2, index);
    push(stack, 3, source);
    dispatch(Operator.INDEX_COPY, stack, table, index, source);
  }

  /** Softmax over the last of {@code rank} dimensions. */
  void softmax(long out, long self, int rank) {
    MemorySegment stack = FRAMES.get().stack;
    push(stack, 0, self);
    stack.setAtIndex(LONG, 1, rank - 1);
    stack.setAtIndex(LONG, 2, 0);
    push(stack, 3, out);
    dispatch(Operator.SOFTMAX, stack, out, self, 0);
  }

  private void push(MemorySegment stack, int index, long handle) {
    int status;
    try {
      status = (int) ONE_AND_RESULT.invokeExact(copyHandle, handle, stack.asSlice(8L * index, 8));
    } catch (Throwable e) {
      throw thrown("copy of a handle", e);
    }
    if (status != 0) {
      throw failed("copy of a handle");
    }
  }

  private void dispatch(Operator operator, MemorySegment stack, long a, long b, long c) {
    int status;
    try {
      status = (int) DISPATCH.invokeExact(dispatch, operator.schema, operator.overload, stack);
    } catch (Throwable e) {
      throw thrown(operator.name, e);
    }
    if (status != 0) {
      throw failed(operator.name, a, b, c);
    }
    LIVE.incrementAndGet();
    delete(stack.get(LONG, 0));
  }

  private static int torchDevice(Device device) {
    return device.kind() == Device.Kind.CPU ? 0 : 1;
  }

  private static RuntimeException thrown(String operation, Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new TorchException("libtorch: " + operation, e);
  }

  private TorchException failed(String operation, long... handles) {
    StringJoiner operands = new StringJoiner(", ", " (", ")").setEmptyValue("");
    for (long handle : handles) {
      if (handle != 0) {
        operands.add(describe(handle));
      }
    }
    String why = "its reason is on the standard error stream";
    MemorySegment text = lastError;
    if (text != null) {
      try {
        MemorySegment message = (MemorySegment) TEXT.invokeExact(text);
        why = message.equals(MemorySegment.NULL) ? why : message.getString(0);
      } catch (Throwable e) {
        throw thrown("error text", e);
      }
    }
    return new TorchException(
        "libtorch " + library.version() + ": " + operation + operands + ": " + why);
  }

  private String describe(long handle) {
    MemorySegment result = FRAMES.get().result;
    try {
      check((int) ONE_AND_RESULT.invokeExact(find("aoti_torch_get_dim"), handle, result));
      long[] sizes = new long[(int) result.get(LONG, 0)];
      check((int) ONE_AND_RESULT.invokeExact(find("aoti_torch_get_sizes"), handle, result));
      MemorySegment first = result.get(POINTER, 0).reinterpret(8L * sizes.length);
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] = first.getAtIndex(LONG, i);
      }
      check((int) ONE_AND_RESULT.invokeExact(find("aoti_torch_get_dtype"), handle, result));
      return "dtype " + result.get(INT, 0) + " " + Arrays.toString(sizes);
    } catch (Throwable e) {
      throw thrown("description of a tensor", e);
    }
  }

  private static void check(int status) {
    if (status != 0) {
      throw new TorchException("libtorch: a tensor that has no description");
    }
  }
}
