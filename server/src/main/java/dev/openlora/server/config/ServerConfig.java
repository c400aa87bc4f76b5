package dev.openlora.server.config;

import dev.openlora.kernels.CpuIsa;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a server is started with, checked. Immutable; {@link #from} reads it from the layers. */
public record ServerConfig(
    Server server, Model model, Adapters adapters, Batching engine, Tuning tuning, Log log) {

  /** Where it listens, whom it lets in, and what it takes. Keys are secrets. */
  public record Server(
      String host,
      int port,
      List<String> apiKeys,
      List<String> adminKeys,
      int drainSeconds,
      boolean openMetrics,
      int maxConnections,
      int maxRequestMiB) {
    public Server {
      if (host.isBlank()) {
        throw new ConfigException("server.host: '' (expected: a name or an address)");
      }
      within("server.port", port, 0, 65535);
      within("server.drainSeconds", drainSeconds, 0, 3600);
      within("server.maxConnections", maxConnections, 1, 1_000_000);
      within("server.maxRequestMiB", maxRequestMiB, 1, 1024);
      apiKeys = notBlank("server.apiKeys", apiKeys);
      adminKeys = notBlank("server.adminKeys", adminKeys);
    }

    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /** The base model and the machine part it runs on. */
  public record Model(
      @Nullable Path path,
      @Nullable String servedName,
      NumberType dtype,
      Quantization quantization,
      String device,
      @Nullable Path libtorch,
      int maxModelLength) {
    public Model {
      if (servedName != null && !servedName.matches("[^\\s@]{1,200}")) {
        throw new ConfigException(
            "model.servedName: '"
                + servedName
                + "' (expected: 1..200 characters without spaces or '@')");
      }
      if (!device.matches("cpu|cuda(:[0-9]{1,3})?")) {
        throw new ConfigException("model.device: '" + device + "' (expected: cpu, cuda or cuda:N)");
      }
      zeroOrWithin("model.maxModelLength", maxModelLength, 2, 10_000_000);
    }

    /** The path, which serving cannot do without. */
    public Path requiredPath() {
      if (path == null) {
        throw new ConfigException("model.path: not set (expected: --model DIR, a model's folder)");
      }
      return path;
    }

    /** The name by which requests ask for the base. */
    public String name() {
      return servedName != null
          ? servedName
          : requiredPath().toAbsolutePath().normalize().getFileName().toString();
    }
  }

  /** In which numbers the model computes. */
  public enum NumberType {
    AUTO,
    FLOAT32,
    BFLOAT16
  }

  /** What runs the operations of a step on a CPU. */
  public enum Kernels {
    AUTO,
    NATIVE,
    PORTABLE
  }

  /** How the base's weights are rounded when they are loaded. */
  public enum Quantization {
    NONE,
    INT8
  }

  /** Which adapters are there from the start, and where more may come from. */
  public record Adapters(
      @Nullable Path directory, List<Path> roots, boolean strict, int memoryMiB) {
    public Adapters {
      roots = List.copyOf(roots);
      zeroOrWithin("adapters.memoryMiB", memoryMiB, 1, 100_000_000);
    }

    /** The directory and the roots: adapters are loaded from under these and nowhere else. */
    public List<Path> allowedRoots() {
      if (directory == null || roots.contains(directory)) {
        return roots;
      }
      return java.util.stream.Stream.concat(java.util.stream.Stream.of(directory), roots.stream())
          .toList();
    }
  }

  /** How much runs at one time. */
  public record Batching(
      int maxBatchTokens,
      int maxSequences,
      int maxWaiting,
      int kvMemoryMiB,
      int pageSize,
      int threads,
      Kernels kernels,
      CpuIsa cpuIsa,
      boolean deterministic,
      boolean prefixCache) {
    public Batching {
      within("engine.maxBatchTokens", maxBatchTokens, 1, 1_000_000);
      within("engine.maxSequences", maxSequences, 1, 65_536);
      within("engine.maxWaiting", maxWaiting, 1, 1_000_000);
      zeroOrWithin("engine.kvMemoryMiB", kvMemoryMiB, 1, 100_000_000);
      within("engine.pageSize", pageSize, 1, 1024);
      zeroOrWithin("engine.threads", threads, 1, 1024);
      if (maxSequences > maxBatchTokens) {
        throw new ConfigException(
            "engine.maxSequences: "
                + maxSequences
                + " (expected: at most engine.maxBatchTokens, "
                + maxBatchTokens
                + ")");
      }
    }
  }

  /**
   * Fine-tuning behind the API.
   *
   * @param directory null for none of it
   * @param cpus a list as {@code taskset} takes it, or null
   */
  public record Tuning(
      @Nullable Path directory,
      boolean enabled,
      String organization,
      int threads,
      @Nullable String cpus,
      int heapMiB,
      int maxRunning,
      int maxWaiting,
      int maxJobs,
      int maxAttempts,
      int maxFileMiB,
      int maxFiles,
      int maxFilesMiB) {
    public Tuning {
      if (!organization.matches("[A-Za-z0-9._-]{1,32}")) {
        throw new ConfigException(
            "tuning.organization: '" + organization + "' (expected: 1..32 of A-Z a-z 0-9 . _ -)");
      }
      within("tuning.threads", threads, 1, 1024);
      if (cpus != null && !cpus.matches("[0-9]{1,5}([,-][0-9]{1,5}){0,99}")) {
        throw new ConfigException("tuning.cpus: '" + cpus + "' (expected: such as 3, 2-5 or 1,3)");
      }
      within("tuning.heapMiB", heapMiB, 64, 1_000_000);
      within("tuning.maxRunning", maxRunning, 1, 64);
      within("tuning.maxWaiting", maxWaiting, 1, 10_000);
      within("tuning.maxJobs", maxJobs, 1, 100_000);
      within("tuning.maxAttempts", maxAttempts, 1, 100);
      within("tuning.maxFileMiB", maxFileMiB, 1, 100_000);
      within("tuning.maxFiles", maxFiles, 1, 100_000);
      within("tuning.maxFilesMiB", maxFilesMiB, 1, 100_000_000);
    }
  }

  /** What the log looks like. */
  public record Log(boolean json, String level) {}

  /** Reads and checks all values. */
  public static ServerConfig from(LayeredConfig values) {
    return new ServerConfig(
        new Server(
            values.text("server.host"),
            values.number("server.port"),
            values.list("server.apiKeys"),
            values.list("server.adminKeys"),
            values.number("server.drainSeconds"),
            values.on("server.openMetrics"),
            values.number("server.maxConnections"),
            values.number("server.maxRequestMiB")),
        new Model(
            values.optionalPath("model.path"),
            values.optionalText("model.servedName"),
            NumberType.valueOf(
                oneOf("model.dtype", values.text("model.dtype"), "auto", "float32", "bfloat16")
                    .toUpperCase(Locale.ROOT)),
            Quantization.valueOf(
                oneOf("model.quantization", values.text("model.quantization"), "none", "int8")
                    .toUpperCase(Locale.ROOT)),
            values.text("model.device"),
            values.optionalPath("model.libtorch"),
            values.number("model.maxModelLength")),
        new Adapters(
            values.optionalPath("adapters.directory"),
            values.list("adapters.roots").stream().map(Path::of).toList(),
            values.on("adapters.strict"),
            values.number("adapters.memoryMiB")),
        new Batching(
            values.number("engine.maxBatchTokens"),
            values.number("engine.maxSequences"),
            values.number("engine.maxWaiting"),
            values.number("engine.kvMemoryMiB"),
            values.number("engine.pageSize"),
            values.number("engine.threads"),
            Kernels.valueOf(
                oneOf("engine.kernels", values.text("engine.kernels"), "auto", "native", "portable")
                    .toUpperCase(Locale.ROOT)),
            cpuIsa(values.text("engine.cpuIsa")),
            values.on("engine.deterministic"),
            values.on("engine.prefixCache")),
        new Tuning(
            values.optionalPath("tuning.directory"),
            values.on("tuning.enabled"),
            values.text("tuning.organization"),
            values.number("tuning.threads"),
            values.optionalText("tuning.cpus"),
            values.number("tuning.heapMiB"),
            values.number("tuning.maxRunning"),
            values.number("tuning.maxWaiting"),
            values.number("tuning.maxJobs"),
            values.number("tuning.maxAttempts"),
            values.number("tuning.maxFileMiB"),
            values.number("tuning.maxFiles"),
            values.number("tuning.maxFilesMiB")),
        new Log(
            oneOf("log.format", values.text("log.format"), "text", "json").equals("json"),
            oneOf("log.level", values.text("log.level"), "error", "warn", "info", "debug")));
  }

  private static CpuIsa cpuIsa(String value) {
    oneOf("engine.cpuIsa", value, "auto", "avx2", "avx512_bf16", "amx_bf16");
    return value.equals("auto") ? CpuIsa.newest() : CpuIsa.valueOf(value.toUpperCase(Locale.ROOT));
  }

  private static String oneOf(String key, String value, String... allowed) {
    if (!List.of(allowed).contains(value)) {
      throw new ConfigException(
          key + ": '" + value + "' (expected: " + String.join(", ", allowed) + ")");
    }
    return value;
  }

  private static List<String> notBlank(String key, List<String> keys) {
    for (String secret : keys) {
      if (secret.isBlank()) {
        throw new ConfigException(key + ": '' (expected: at least one visible character)");
      }
    }
    return List.copyOf(keys);
  }

  private static void within(String key, int value, int min, int max) {
    if (value < min || value > max) {
      throw new ConfigException(key + ": " + value + " (expected: " + min + ".." + max + ")");
    }
  }

  private static void zeroOrWithin(String key, int value, int min, int max) {
    if (value != 0 && (value < min || value > max)) {
      throw new ConfigException(key + ": " + value + " (expected: 0, or " + min + ".." + max + ")");
    }
  }
}
