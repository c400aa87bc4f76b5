package dev.openlora.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Host memory in pages of the system: zero at first, and taken only where it is touched. Large
 * pieces ask for huge pages, without which a step that reads all weights waits for the page table.
 * Any thread.
 */
final class HostPages {
  private static final long PAGE_BYTES = 4096;
  private static final long HUGE_BYTES = 2L << 20;
  private static final int READ_AND_WRITE = 1 | 2;
  private static final int PRIVATE_AND_ANONYMOUS = 2 | 0x20;
  private static final int ADVISE_HUGE_PAGES = 14;
  private static final boolean LINUX = System.getProperty("os.name").equals("Linux");

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final MethodHandle MMAP =
      function("mmap", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
  private static final MethodHandle MUNMAP =
      function("munmap", FunctionDescriptor.of(INT, LONG, LONG));
  private static final MethodHandle MADVISE =
      function("madvise", FunctionDescriptor.of(INT, LONG, LONG, INT));

  private HostPages() {}

  /** Whether this system has them. */
  static boolean available() {
    return LINUX;
  }

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address = linker.defaultLookup().find(name).orElseThrow();
    return linker.downcallHandle(address, descriptor);
  }

  /** Maps memory; it begins at a huge page where it has the size of one. */
  static long map(long bytes) {
    if (bytes < HUGE_BYTES) {
      return mapped(bytes);
    }
    long whole = Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
    long mapped = mapped(Math.addExact(whole, HUGE_BYTES));
    long begin = Math.ceilDiv(mapped, HUGE_BYTES) * HUGE_BYTES;
    if (begin > mapped) {
      unmap(mapped, begin - mapped);
    }
    unmap(begin + whole, mapped + HUGE_BYTES - begin);
    try {
      // Advice: a system without huge pages answers with an error, and all goes on.
      int ignored = (int) MADVISE.invokeExact(begin, bytes, ADVISE_HUGE_PAGES);
    } catch (Throwable e) {
      throw new IllegalStateException("madvise", e);
    }
    return begin;
  }

  private static long mapped(long bytes) {
    long address;
    try {
      address = (long) MMAP.invokeExact(0L, bytes, READ_AND_WRITE, PRIVATE_AND_ANONYMOUS, -1, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException("mmap", e);
    }
    if (address == -1) {
      throw new TorchException("host memory: the system has no " + bytes + " bytes");
    }
    return address;
  }

  static void unmap(long address, long bytes) {
    int status;
    try {
      status = (int) MUNMAP.invokeExact(address, bytes);
    } catch (Throwable e) {
      throw new IllegalStateException("munmap", e);
    }
    if (status != 0) {
      throw new IllegalStateException("munmap: " + bytes + " bytes at " + address);
    }
  }
}
