package dev.openlora.server.assembly;

import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.config.ServerConfig.NumberType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What was found for a configuration, and what is missing. {@code obstacles} keep the server from
 * working; {@code notices} make it slower or smaller than it could be. Immutable.
 */
public record Preflight(
    Machine machine, List<String> found, List<String> obstacles, List<String> notices) {

  public static Preflight look(ServerConfig config) {
    return assess(config, Machine.read(), Runtime.version().feature());
  }

  static Preflight assess(ServerConfig config, Machine machine, int javaVersion) {
    List<String> found = new ArrayList<>();
    List<String> obstacles = new ArrayList<>();
    List<String> notices = new ArrayList<>();

    found.add("java      " + Runtime.version() + " (" + System.getProperty("java.home") + ")");
    if (javaVersion < 25) {
      obstacles.add("java: " + javaVersion + " (expected: 25 or later)");
    }
    found.add(
        "cpu       " + machine.cpu() + ", " + machine.cores() + " cores, " + features(machine));
    found.add(
        "memory    "
            + (machine.memoryMiB() == 0
                ? "unknown"
                : machine.availableMiB() + " of " + machine.memoryMiB() + " MiB available"));
    found.add(
        "gpu       " + (machine.gpus().isEmpty() ? "none" : String.join("; ", machine.gpus())));

    boolean cuda = config.model().device().startsWith("cuda");
    if (cuda && machine.gpus().isEmpty()) {
      obstacles.add(
          "device: "
              + config.model().device()
              + ", but nvidia-smi shows no GPU (expected: cpu,"
              + " or a driver)");
    }
    if (!cuda && !machine.has("avx2")) {
      notices.add("cpu: no AVX2, so libtorch's slowest kernels are used");
    }
    if (!cuda
        && config.model().dtype() != NumberType.FLOAT32
        && !machine.has("avx512_bf16")
        && !machine.has("amx_bf16")) {
      notices.add("cpu: no bfloat16 instructions; --dtype float32 may be faster");
    }
    libtorch(config, found, obstacles);
    model(config, machine, found, obstacles, notices);
    return new Preflight(machine, List.copyOf(found), List.copyOf(obstacles), List.copyOf(notices));
  }

  private static String features(Machine machine) {
    return machine.cpuFeatures().isEmpty()
        ? "no vector extensions known"
        : String.join(" ", machine.cpuFeatures());
  }

  private static void libtorch(ServerConfig config, List<String> found, List<String> obstacles) {
    Path folder = config.model().libtorch();
    if (folder == null) {
      found.add("libtorch  2.7.1 for CPU, from the class path");
      if (config.model().device().startsWith("cuda")) {
        obstacles.add("libtorch: the one that comes along is for CPU (expected: --libtorch DIR)");
      }
      return;
    }
    found.add("libtorch  " + folder);
    boolean there =
        Stream.of("", "lib", "torch/lib")
            .anyMatch(sub -> Files.isRegularFile(folder.resolve(sub).resolve("libtorch_cpu.so")));
    if (!there) {
      obstacles.add("model.libtorch: '" + folder + "' holds no libtorch_cpu.so");
    }
  }

  private static void model(
      ServerConfig config,
      Machine machine,
      List<String> found,
      List<String> obstacles,
      List<String> notices) {
    Path folder = config.model().path();
    if (folder == null) {
      found.add("model     not set (--model DIR)");
      return;
    }
    if (!Files.isRegularFile(folder.resolve("config.json"))) {
      obstacles.add("model.path: '" + folder + "' holds no config.json");
      return;
    }
    long weightsMiB = Math.ceilDiv(weightBytes(folder), 1024 * 1024);
    found.add("model     " + folder + ", " + weightsMiB + " MiB of weights");
    if (!Files.isRegularFile(folder.resolve("tokenizer.json"))) {
      obstacles.add("model.path: '" + folder + "' holds no tokenizer.json");
    }
    if (machine.availableMiB() > 0 && weightsMiB > machine.availableMiB()) {
      notices.add(
          "memory: "
              + machine.availableMiB()
              + " MiB available for "
              + weightsMiB
              + " MiB of weights");
    }
  }

  private static long weightBytes(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(".safetensors"))
          .mapToLong(file -> {
            try {
              return Files.size(file);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          })
          .sum();
    } catch (IOException e) {
      return 0;
    }
  }

  public boolean servable() {
    return obstacles.isEmpty();
  }

  /** A compact block for a person. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>(found);
    notices.forEach(notice -> lines.add("note      " + notice));
    obstacles.forEach(obstacle -> lines.add("MISSING   " + obstacle));
    return lines;
  }
}
