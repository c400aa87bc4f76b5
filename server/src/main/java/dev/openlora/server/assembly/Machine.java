package dev.openlora.server.assembly;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the machine has, read from {@code /proc}, the control group and {@code nvidia-smi}; what
 * cannot be read is left out, never guessed. Immutable.
 *
 * @param cores that this process may use, after affinity and control group limits
 * @param memoryMiB of the machine, or the control group's limit when that is lower; 0: unknown
 * @param availableMiB free or reclaimable; 0: unknown
 * @param gpus one line each, as the driver names them
 */
public record Machine(
    String cpu,
    Set<String> cpuFeatures,
    int cores,
    long memoryMiB,
    long availableMiB,
    List<String> gpus) {
  private static final List<String> FEATURES_OF_INTEREST =
      List.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8");
  private static final long MIB = 1024 * 1024;

  public static Machine read() {
    String cpuInfo = content(Path.of("/proc/cpuinfo"));
    String memInfo = content(Path.of("/proc/meminfo"));
    long total = memInfoMiB(memInfo, "MemTotal");
    long available = memInfoMiB(memInfo, "MemAvailable");
    long limit = controlGroupLimitMiB(content(Path.of("/sys/fs/cgroup/memory.max")));
    if (limit > 0 && (total == 0 || limit < total)) {
      long used = controlGroupLimitMiB(content(Path.of("/sys/fs/cgroup/memory.current")));
      total = limit;
      available = Math.min(available, Math.max(0, limit - used));
    }
    return new Machine(
        cpuModel(cpuInfo),
        cpuFeatures(cpuInfo),
        Runtime.getRuntime().availableProcessors(),
        total,
        available,
        gpusFromDriver());
  }

  /** The first "model name" of /proc/cpuinfo, or the architecture. */
  static String cpuModel(String cpuInfo) {
    Matcher name = Pattern.compile("(?m)^model name\\s*:\\s*(.+)$").matcher(cpuInfo);
    return name.find()
        ? name.group(1).strip().replaceAll("\\s+", " ")
        : System.getProperty("os.arch", "unknown");
  }

  /** Those of the first core's flags that decide between kernels. */
  static Set<String> cpuFeatures(String cpuInfo) {
    Set<String> found = new TreeSet<>();
    Matcher flags = Pattern.compile("(?m)^flags\\s*:\\s*(.+)$").matcher(cpuInfo);
    if (flags.find()) {
      found.addAll(List.of(flags.group(1).strip().split("\\s+")));
      found.retainAll(FEATURES_OF_INTEREST);
    }
    return found;
  }

  /** A field of /proc/meminfo, 0 when it is missing. */
  static long memInfoMiB(String memInfo, String field) {
    Matcher line = Pattern.compile("(?m)^" + field + ":\\s+([0-9]+) kB$").matcher(memInfo);
    return line.find() ? Long.parseLong(line.group(1)) / 1024 : 0;
  }

  /** Bytes of a control group file as MiB; "max" and a missing file are 0, no limit. */
  static long controlGroupLimitMiB(String text) {
    String value = text.strip();
    return value.matches("[0-9]{1,18}") ? Long.parseLong(value) / MIB : 0;
  }

  /** One line per GPU from {@code nvidia-smi --format=csv,noheader}. */
  static List<String> gpuLines(String csv) {
    return csv.lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty() && line.contains(","))
        .map(line -> line.replaceAll("\\s*,\\s*", ", "))
        .toList();
  }

  private static List<String> gpusFromDriver() {
    Optional<Path> program = onPath("nvidia-smi");
    if (program.isEmpty()) {
      return List.of();
    }
    try {
      Process process =
          new ProcessBuilder(
                  program.get().toString(),
                  "--query-gpu=name,memory.total,driver_version",
                  "--format=csv,noheader")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return List.of();
      }
      String csv = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.exitValue() == 0 ? gpuLines(csv) : List.of();
    } catch (IOException e) {
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  private static Optional<Path> onPath(String program) {
    String path = System.getenv("PATH");
    return Stream.of((path == null ? "" : path).split(":"))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static String content(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return "";
    }
  }

  boolean has(String feature) {
    return cpuFeatures.contains(feature.toLowerCase(Locale.ROOT));
  }
}
