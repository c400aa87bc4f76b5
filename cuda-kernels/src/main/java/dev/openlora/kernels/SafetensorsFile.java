package dev.openlora.kernels;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/**
 * A .safetensors file, mapped read-only: its tensors are the page cache itself and nothing is read
 * before it is used. The file must not be shortened while it is open. Any thread reads; whoever
 * opened it closes it, when nobody uses its tensors any more.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The reference implementation's limit. */
  public static final long HEADER_BYTES_MAX = 100L << 20;

  private static final int PREFIX_BYTES = 8;
  private static final int BLOCK_ELEMENTS = 1 << 16;
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** One tensor: begin and end are bytes from the start of the data. */
  public record Entry(String name, SafetensorsType type, long[] shape, long begin, long end) {
    /** Bytes of its data. */
    public long bytes() {
      return end - begin;
    }

    @Override
    public String toString() {
      return "tensor '" + name + "' " + type + Arrays.toString(shape);
    }
  }

  private final Path file;
  private final Arena arena;
  private final MemorySegment data;
  private final SafetensorsHeader header;
  private final TensorOwner owner;
  private boolean closed;

  private SafetensorsFile(Path file, Arena arena, MemorySegment data, SafetensorsHeader header) {
    this.file = file;
    this.arena = arena;
    this.data = data;
    this.header = header;
    this.owner = TensorOwner.readOnly("file " + file);
    ArenaBalance.opened();
  }

  public static SafetensorsFile open(Path file) throws IOException {
    return open(file, HEADER_BYTES_MAX);
  }

  /** Opens a file whose header has at most {@code headerBytesMax} bytes. */
  public static SafetensorsFile open(Path file, long headerBytesMax) throws IOException {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      long headerBytes = headerBytes(file, all, headerBytesMax);
      byte[] json = all.asSlice(PREFIX_BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
      MemorySegment data = all.asSlice(PREFIX_BYTES + headerBytes);
      SafetensorsHeader header = SafetensorsHeader.read(file, json, data.byteSize());
      return new SafetensorsFile(file, arena, data, header);
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static long headerBytes(Path file, MemorySegment all, long most)
      throws SafetensorsException {
    byte[] start = all.asSlice(0, Math.min(all.byteSize(), 64)).toArray(ValueLayout.JAVA_BYTE);
    String text = new String(start, StandardCharsets.ISO_8859_1);
    if (text.startsWith("version https://git-lfs")) {
      throw new SafetensorsException(
          file, "is a git-lfs pointer, not the file it points to (expected: git lfs pull)");
    }
    if (text.startsWith("PK\u0003\u0004")) {
      throw new SafetensorsException(
          file, "is a zip archive, as torch.save writes it (expected: safetensors)");
    }
    if (isPickle(text)) {
      throw new SafetensorsException(
          file, "is a Python pickle, which is never loaded (expected: safetensors)");
    }
    if (text.startsWith("GGUF")) {
      throw new SafetensorsException(file, "is a GGUF file (expected: safetensors)");
    }
    if (start.length < PREFIX_BYTES) {
      throw new SafetensorsException(
          file, start.length + " bytes (expected: at least the 8 of the header's length)");
    }
    long bytes = all.get(LONG, 0);
    if (bytes < 2 || bytes > most || bytes > all.byteSize() - PREFIX_BYTES) {
      throw new SafetensorsException(
          file,
          "header length: "
              + Long.toUnsignedString(bytes)
              + " bytes (expected: 2 to "
              + Math.min(most, all.byteSize() - PREFIX_BYTES)
              + ")");
    }
    if (all.get(ValueLayout.JAVA_BYTE, PREFIX_BYTES) != '{') {
      throw new SafetensorsException(
          file, "header does not begin with { (expected: a JSON object)");
    }
    return bytes;
  }

  /** A header of 640 bytes starts like a pickle too, but has its brace after the length. */
  private static boolean isPickle(String start) {
    return start.length() > 1
        && start.charAt(0) == 0x80
        && start.charAt(1) >= 2
        && start.charAt(1) <= 5
        && (start.length() <= PREFIX_BYTES || start.charAt(PREFIX_BYTES) != '{');
  }

  public Path file() {
    return file;
  }

  /** The names of its tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  public boolean contains(String name) {
    return header.entries().containsKey(name);
  }

  public Entry entry(String name) throws SafetensorsException {
    Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new SafetensorsException(file, "no tensor '" + name + "'");
    }
    return entry;
  }

  /**
   * The tensor itself, mapped, for F32, BF16, I32 and I64; never written to. Valid until close. One
   * that lies at an odd address in the file is copied.
   */
  public Tensor tensor(String name) throws SafetensorsException {
    Entry entry = entry(name);
    DType dtype = entry.type().dtype().orElseThrow(() -> unusable(entry, "F32, BF16, I32 or I64"));
    MemorySegment memory = memory(entry);
    if (memory.address() % dtype.bytes() != 0) {
      memory = arena.allocate(memory.byteSize(), 64).copyFrom(memory);
    }
    return Tensor.owned(owner, memory.address(), dtype, Device.CPU, entry.shape());
  }

  /** Gives the memory of what was read back to the system; a later use reads the file again. */
  public void unload() {
    data.unload();
  }

  /** A F32, F16 or BF16 tensor's elements as floats. */
  public float[] floats(String name) throws SafetensorsException {
    Entry entry = entry(name);
    long elements = entry.bytes() / entry.type().bytes();
    if (elements > Integer.MAX_VALUE - 8) {
      throw unusable(entry, "at most 2^31 elements");
    }
    float[] floats = new float[(int) elements];
    read(entry, 0, floats, floats.length);
    return floats;
  }

  /**
   * A new tensor in a host arena with a tensor's elements as {@code dtype}: F32 or BF16 of any of
   * F32, F16 and BF16, or the file's own type.
   */
  public Tensor load(String name, DType dtype, TensorArena into) throws SafetensorsException {
    Tensor tensor = into.allocate(dtype, entry(name).shape());
    copyInto(name, tensor);
    return tensor;
  }

  /** Overwrites a contiguous host tensor of the same shape; see {@link #load} for the types. */
  public void copyInto(String name, Tensor dst) throws SafetensorsException {
    Entry entry = entry(name);
    if (!Arrays.equals(entry.shape(), dst.shape())) {
      throw unusable(entry, "the shape of " + dst);
    }
    if (entry.type().dtype().filter(type -> type == dst.dtype()).isPresent()) {
      dst.memory().copyFrom(memory(entry));
      return;
    }
    if (dst.dtype() != DType.F32 && dst.dtype() != DType.BF16) {
      throw unusable(entry, dst.dtype().toString());
    }
    Tensor flat = dst.reshape(dst.elements());
    float[] block = new float[(int) Math.min(BLOCK_ELEMENTS, dst.elements())];
    for (long at = 0; at < dst.elements(); at += block.length) {
      int count = (int) Math.min(block.length, dst.elements() - at);
      read(entry, at, block, count);
      flat.rows(at, at + count).write(count == block.length ? block : Arrays.copyOf(block, count));
    }
  }

  private void read(Entry entry, long from, float[] into, int count) throws SafetensorsException {
    MemorySegment memory = memory(entry);
    switch (entry.type()) {
      case F32 -> MemorySegment.copy(memory, FLOAT, from * 4, into, 0, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[i] = Float.intBitsToFloat(memory.get(SHORT, (from + i) * 2) << 16);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into[i] = Float.float16ToFloat(memory.get(SHORT, (from + i) * 2));
        }
      }
      case F64, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL ->
          throw unusable(entry, "F32, F16 or BF16");
    }
  }

  private MemorySegment memory(Entry entry) {
    return data.asSlice(entry.begin(), entry.bytes());
  }

  private SafetensorsException unusable(Entry entry, String wanted) {
    return new SafetensorsException(file, entry + " (expected: " + wanted + ")");
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      owner.takeBack();
      arena.close();
      ArenaBalance.closed();
    }
  }

  @Override
  public String toString() {
    return file + " (" + header.entries().size() + " tensors)";
  }
}
