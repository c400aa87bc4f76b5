package dev.openlora.kernels;

import ai.djl.pytorch.jni.LibUtils;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * libtorch, found and loaded once per process: the folder that the operator named, or the one that
 * DJL's native package unpacks to. DJL's engine is not started here and still works afterwards, on
 * the same loaded library when the folder is DJL's. Any thread.
 *
 * <p>OpenMP reads its wait policy when it is loaded, so {@link Waiting} is put into the process
 * environment just before that. On cores that others use too, spinning waits cost most of the
 * throughput; on cores of our own, sleeping ones cost a few microseconds per operation.
 */
public final class TorchLibrary {
  /** What OpenMP's threads do between two parallel regions. */
  public enum Waiting {
    /** Sleep at once: right where cores are shared. */
    SLEEP,
    /** Spin for a while: right where every thread has a core of its own. */
    SPIN,
    /** As the environment says ({@code OMP_WAIT_POLICY}, {@code GOMP_SPINCOUNT}). */
    ENVIRONMENT
  }

  /**
   * @param folder where libtorch_cpu.so lies, itself or in {@code lib} or {@code torch/lib} below;
   *     null: DJL's
   * @param threads how many threads one operation may use; 0: torch's own choice
   */
  public record Options(@Nullable Path folder, int threads, Waiting waiting) {
    public Options {
      if (threads < 0) {
        throw new IllegalArgumentException("threads: " + threads + " (expected: 0 or more)");
      }
    }

    public static Options defaults() {
      return new Options(null, 0, Waiting.SLEEP);
    }
  }

  private static final Linker LINKER = Linker.nativeLinker();
  private static final String CORE = "libtorch_cpu.so";
  private static final String CUDA = "libtorch_cuda.so";

  private static @Nullable TorchLibrary loaded;

  private final Path folder;
  private final String version;
  private final int threads;
  private final SymbolLookup symbols;
  private final boolean cuda;

  private TorchLibrary(
      Path folder, String version, int threads, SymbolLookup symbols, boolean cuda) {
    this.folder = folder;
    this.version = version;
    this.threads = threads;
    this.symbols = symbols;
    this.cuda = cuda;
  }

  /** Loads libtorch; the second time it answers with what is loaded. */
  public static synchronized TorchLibrary load(Options options) throws IOException {
    TorchLibrary before = loaded;
    if (before != null) {
      if (options.folder() != null && !libraryFolder(options.folder()).equals(before.folder)) {
        throw new IOException(
            "libtorch: " + options.folder() + " (expected: " + before.folder + ", already loaded)");
      }
      return before;
    }
    setWaiting(options.waiting());
    Path named = options.folder();
    Path folder = named == null ? djlFolder() : libraryFolder(named);
    SymbolLookup symbols = open(folder.resolve(CORE));
    boolean cuda = Files.exists(folder.resolve(CUDA));
    if (cuda) {
      symbols = symbols.or(open(folder.resolve(CUDA)));
    }
    int threads = setThreads(symbols, options.threads());
    loaded = new TorchLibrary(folder, versionOf(symbols), threads, symbols, cuda);
    return loaded;
  }

  /** The folder that libtorch was loaded from. */
  public Path folder() {
    return folder;
  }

  /** As {@code 2.7.1}; {@code unknown} where the library does not say. */
  public String version() {
    return version;
  }

  /** Threads that one operation may use. */
  public int threads() {
    return threads;
  }

  /** Whether the CUDA half of libtorch is there. */
  public boolean hasCuda() {
    return cuda;
  }

  Optional<MemorySegment> find(String symbol) {
    return symbols.find(symbol);
  }

  private static Path libraryFolder(Path named) throws IOException {
    for (String below : List.of("", "lib", "torch/lib")) {
      Path folder = below.isEmpty() ? named : named.resolve(below);
      if (Files.exists(folder.resolve(CORE))) {
        return folder.toRealPath();
      }
    }
    throw new IOException("libtorch: '" + named + "' (expected: a folder with " + CORE + ")");
  }

  private static Path djlFolder() throws IOException {
    String property = "ai.djl.offline";
    if (System.getProperty(property) == null) {
      System.setProperty(property, "true");
    }
    try {
      LibUtils.loadLibrary();
      return Path.of(LibUtils.getLibtorchPath()).toRealPath();
    } catch (LinkageError | RuntimeException e) {
      throw new IOException(
          "libtorch: no usable DJL package on the class path (expected: pytorch-native-cpu, or a"
              + " folder given by name)",
          e);
    }
  }

  private static SymbolLookup open(Path library) throws IOException {
    try {
      return SymbolLookup.libraryLookup(library, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new IOException("libtorch: cannot be loaded: " + loaderMessage(library), e);
    }
  }

  /** The lookup does not say why it failed; the same attempt through the VM does. */
  private static String loaderMessage(Path library) {
    try {
      System.load(library.toString());
      return library + " (unknown reason)";
    } catch (UnsatisfiedLinkError e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static void setWaiting(Waiting waiting) {
    switch (waiting) {
      case SLEEP -> setEnvironment("OMP_WAIT_POLICY", "PASSIVE");
      case SPIN -> setEnvironment("OMP_WAIT_POLICY", "ACTIVE");
      case ENVIRONMENT -> {}
    }
  }

  private static void setEnvironment(String name, String value) {
    MethodHandle setenv =
        LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      int keepWhatIsSet = 0;
      int status =
          (int)
              setenv.invokeExact(
                  arena.allocateFrom(name), arena.allocateFrom(value), keepWhatIsSet);
      if (status != 0) {
        throw new IllegalStateException("setenv " + name + ": status " + status);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("setenv " + name, e);
    }
  }

  /** The C ABI has no thread count; at::set_num_threads(int) has had this name since 1.0. */
  private static int setThreads(SymbolLookup symbols, int threads) {
    Optional<MemorySegment> set = symbols.find("_ZN2at15set_num_threadsEi");
    Optional<MemorySegment> get = symbols.find("_ZN2at15get_num_threadsEv");
    if (set.isEmpty() || get.isEmpty()) {
      return 0;
    }
    try {
      if (threads > 0) {
        LINKER
            .downcallHandle(set.get(), FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT))
            .invokeExact(threads);
      }
      return (int)
          LINKER
              .downcallHandle(get.get(), FunctionDescriptor.of(ValueLayout.JAVA_INT))
              .invokeExact();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("set_num_threads " + threads, e);
    }
  }

  private static String versionOf(SymbolLookup symbols) {
    Optional<MemorySegment> abi = symbols.find("aoti_torch_abi_version");
    if (abi.isEmpty()) {
      return "unknown";
    }
    long packed = abiVersion(abi.get());
    return (packed >>> 56) + "." + ((packed >>> 48) & 0xFF) + "." + ((packed >>> 40) & 0xFF);
  }

  private static long abiVersion(MemorySegment function) {
    try {
      return (long)
          LINKER
              .downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_LONG))
              .invokeExact();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("aoti_torch_abi_version", e);
    }
  }
}
