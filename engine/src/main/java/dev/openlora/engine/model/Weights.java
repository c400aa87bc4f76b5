package dev.openlora.engine.model;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.SafetensorsFile;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The weights of a model folder by name: one safetensors file or shards with an index. On the CPU a
 * tensor that has the wanted dtype is the mapped file itself; any other is converted once.
 */
final class Weights implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path folder;
  private final Ops ops;
  private final TensorArena arena;
  private final DType dtype;
  private final List<SafetensorsFile> files = new ArrayList<>();
  private final Map<String, SafetensorsFile> fileOf = new LinkedHashMap<>();
  private final Set<String> used = new HashSet<>();

  private Weights(Path folder, Ops ops, TensorArena arena, DType dtype) {
    this.folder = folder;
    this.ops = ops;
    this.arena = arena;
    this.dtype = dtype;
  }

  static Weights open(Path folder, Ops ops, TensorArena arena, DType dtype) throws IOException {
    Weights weights = new Weights(folder, ops, arena, dtype);
    try {
      weights.openFiles();
      return weights;
    } catch (IOException | RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private void openFiles() throws IOException {
    Path index = folder.resolve(INDEX);
    if (!Files.exists(index)) {
      if (!Files.exists(folder.resolve(SINGLE))) {
        throw new ModelException(
            folder + ": no weights (expected: " + SINGLE + ", or " + INDEX + " with its shards)");
      }
      openFile(SINGLE, null);
      return;
    }
    JsonNode map = JsonFiles.read(index).get("weight_map");
    if (map == null || !map.isObject()) {
      throw new ModelException(
          index + ": 'weight_map' is missing (expected: an object from tensor to file)");
    }
    Map<String, Set<String>> shards = new LinkedHashMap<>();
    for (String tensor : map.propertyNames()) {
      String file = map.get(tensor).stringValue("");
      if (!file.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,200}")) {
        throw new ModelException(
            index + ": '" + tensor + "' lies in '" + file + "' (expected: a plain file name)");
      }
      shards.computeIfAbsent(file, ignored -> new HashSet<>()).add(tensor);
    }
    for (Map.Entry<String, Set<String>> shard : shards.entrySet()) {
      openFile(shard.getKey(), shard.getValue());
    }
  }

  private void openFile(String name, @Nullable Set<String> wanted) throws IOException {
    Path path = folder.resolve(name);
    if (!Files.exists(path)) {
      throw new ModelException(path + ": missing, though " + INDEX + " names it");
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    files.add(file);
    for (String tensor : file.names()) {
      fileOf.put(tensor, file);
    }
    for (String tensor : wanted == null ? Set.<String>of() : wanted) {
      if (fileOf.get(tensor) != file) {
        throw new ModelException(
            path + ": lacks '" + tensor + "', which " + INDEX + " places there");
      }
    }
  }

  boolean has(String name) {
    return fileOf.containsKey(name);
  }

  /** The tensor on the device in the model's dtype, checked for its shape. */
  Tensor load(String name, long... shape) throws IOException {
    SafetensorsFile file = fileOf.get(name);
    if (file == null) {
      throw new ModelException(folder + ": tensor '" + name + "' is missing");
    }
    used.add(name);
    SafetensorsFile.Entry entry = file.entry(name);
    if (!Arrays.equals(entry.shape(), shape)) {
      throw new ModelException(
          file.file()
              + ": '"
              + name
              + "' has the shape "
              + Arrays.toString(entry.shape())
              + " (expected: "
              + Arrays.toString(shape)
              + ", from config.json)");
    }
    if (ops.device().equals(Device.CPU)) {
      boolean mapped = entry.type().dtype().equals(Optional.of(dtype));
      return mapped ? file.tensor(name) : file.load(name, dtype, arena);
    }
    // A file is read into host memory first; the staging arena lives for one tensor only.
    try (TensorArena host = ops.newHostArena("staging")) {
      Tensor tensor = arena.allocate(dtype, shape);
      ops.copy(tensor, file.load(name, dtype, host));
      return tensor;
    }
  }

  /** Refuses tensors that no part of the model took: they would change results. */
  void refuseUnused(Set<String> ignorable) throws ModelException {
    for (String name : fileOf.keySet()) {
      if (!used.contains(name)
          && !ignorable.contains(name)
          && !name.endsWith("rotary_emb.inv_freq")) {
        throw new ModelException(
            folder + ": tensor '" + name + "' has no place in the architecture of config.json");
      }
    }
  }

  /** Gives back the memory of files that have been read; what is used again is read again. */
  void unload() {
    files.forEach(SafetensorsFile::unload);
  }

  List<Path> paths() {
    return files.stream().map(SafetensorsFile::file).toList();
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
