package dev.openlora.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The CPU kernels' shared library, out of our own jar, loaded once per process. The C ABI is {@code
 * src/main/cpp/openlora_cpu.h}. Any thread.
 */
final class CpuLibrary {
  private static final int ABI_VERSION = 3;
  private static final String RESOURCE = "/native/linux-x86_64/libopenlora_cpu.so";
  private static final Linker LINKER = Linker.nativeLinker();
  private static @Nullable CpuLibrary loaded;

  private final SymbolLookup symbols;

  private CpuLibrary(SymbolLookup symbols) {
    this.symbols = symbols;
  }

  /**
   * Loads the library.
   *
   * @throws IOException when it was not built, cannot be unpacked, or is not of this version
   */
  static synchronized CpuLibrary load() throws IOException {
    CpuLibrary before = loaded;
    if (before != null) {
      return before;
    }
    SymbolLookup symbols;
    try {
      symbols = SymbolLookup.libraryLookup(unpacked(), Arena.global());
    } catch (IllegalArgumentException e) {
      throw new IOException("native kernels: the library cannot be loaded", e);
    }
    CpuLibrary library = new CpuLibrary(symbols);
    int version = (int) invoke(library.function("ol_abi_version", ValueLayout.JAVA_INT));
    if (version != ABI_VERSION) {
      throw new IOException(
          "native kernels: version " + version + " (expected: " + ABI_VERSION + ")");
    }
    loaded = library;
    return library;
  }

  private static Object invoke(MethodHandle function) {
    try {
      return function.invoke();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** The library as a file, under a name that is its content's. */
  private static Path unpacked() throws IOException {
    byte[] bytes;
    try (InputStream in = CpuLibrary.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("native kernels: not built (expected: cmake and g++ at build time)");
      }
      bytes = in.readAllBytes();
    }
    Path folder = Files.createDirectories(cache());
    Path file = folder.resolve("libopenlora_cpu-" + sha256(bytes).substring(0, 16) + ".so");
    if (!Files.exists(file) || Files.size(file) != bytes.length) {
      Path partial = Files.createTempFile(folder, "libopenlora_cpu", ".partial");
      try {
        Files.write(partial, bytes);
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileAlreadyExistsException e) {
        // Another process was first, with the same bytes.
      } finally {
        Files.deleteIfExists(partial);
      }
    }
    return file;
  }

  private static Path cache() {
    String named = System.getenv("OPENLORA_CACHE_DIR");
    return named != null && !named.isEmpty()
        ? Path.of(named, "native")
        : Path.of(
            System.getProperty("java.io.tmpdir"),
            "openlora-native-" + System.getProperty("user.name"));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseThrow(() -> new IllegalStateException("native kernels: no " + name));
    return LINKER.downcallHandle(address, FunctionDescriptor.of(result, arguments));
  }

  MethodHandle procedure(String name, MemoryLayout... arguments) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseThrow(() -> new IllegalStateException("native kernels: no " + name));
    return LINKER.downcallHandle(address, FunctionDescriptor.ofVoid(arguments));
  }
}
