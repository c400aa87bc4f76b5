package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.adapter.AdapterId;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.adapter.EmbeddingEdit;
import dev.openlora.adapter.HeadRows;
import dev.openlora.adapter.LinearEdit;
import dev.openlora.kernels.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A registry of adapters without numbers. A folder's file {@code kind} says what it is: {@code
 * lora}, {@code dora}, {@code saved}, {@code broken}, {@code unsupported} or {@code big}.
 */
final class FakeAdapters implements AdapterRegistry {
  private final Map<String, Adapter> byName = new LinkedHashMap<>(); // guarded by this
  private int leases; // guarded by this
  private int loads; // guarded by this

  /** An adapter of a kind, in a folder of its own. */
  static Path folder(Path parent, String name, String kind) throws IOException {
    Path folder = Files.createDirectories(parent.resolve(name));
    Files.writeString(folder.resolve("kind"), kind);
    return folder;
  }

  @Override
  public synchronized Adapter load(String name, Path folder, boolean replace)
      throws AdapterException {
    if (name.contains("@")) {
      throw new AdapterException(Reason.FORBIDDEN, "lora_name: '" + name + "' (expected: no @)");
    }
    String kind;
    try {
      kind = Files.readString(folder.resolve("kind"));
    } catch (IOException e) {
      throw new AdapterException(Reason.NOT_FOUND, "No adapter found for " + folder);
    }
    switch (kind) {
      case "broken" ->
          throw new AdapterException(Reason.INVALID, "adapter_model.safetensors: header too large");
      case "unsupported" ->
          throw new AdapterException(Reason.UNSUPPORTED, "adapter_config.json: use_xyz is unknown");
      case "big" -> throw new AdapterException(Reason.FULL, "no room for 9 bytes");
      default -> {}
    }
    if (byName.containsKey(name) && !replace) {
      throw new AdapterException(Reason.CONFLICT, "taken");
    }
    String sha = HexFormat.of().withLowerCase().toHexDigits(++loads * 0x9E3779B97F4A7C15L);
    Adapter adapter = new FakeAdapter(new AdapterId(name, sha.repeat(4)), folder, kind);
    byName.put(name, adapter);
    return adapter;
  }

  @Override
  public synchronized long unload(String name) throws AdapterException {
    Adapter adapter = byName.remove(name);
    if (adapter == null) {
      throw new AdapterException(Reason.NOT_FOUND, "no adapter " + name);
    }
    return adapter.bytes();
  }

  @Override
  public synchronized Optional<AdapterLease> acquire(String name) {
    String[] parts = name.split("@", 2);
    Adapter adapter = byName.get(parts[0]);
    if (adapter == null || (parts.length == 2 && !adapter.id().sha256().startsWith(parts[1]))) {
      return Optional.empty();
    }
    leases++;
    return Optional.of(new Lease(adapter));
  }

  @Override
  public synchronized List<Adapter> list() {
    return new ArrayList<>(byName.values());
  }

  @Override
  public synchronized long heldBytes() {
    return byName.values().stream().mapToLong(Adapter::bytes).sum();
  }

  @Override
  public synchronized int openLeases() {
    return leases;
  }

  @Override
  public void close() {}

  private final class Lease implements AdapterLease {
    private final Adapter adapter;
    private boolean open = true;

    Lease(Adapter adapter) {
      this.adapter = adapter;
    }

    @Override
    public Adapter adapter() {
      return adapter;
    }

    @Override
    public void close() {
      synchronized (FakeAdapters.this) {
        if (!open) {
          throw new IllegalStateException("closed twice");
        }
        open = false;
        leases--;
      }
    }
  }

  private record FakeAdapter(AdapterId id, Path source, String kind) implements Adapter {
    @Override
    public int rank() {
      return 8;
    }

    @Override
    public long bytes() {
      return 1000;
    }

    @Override
    public String description() {
      return "LoRA r8" + (kind.equals("lora") ? "" : ", " + kind);
    }

    @Override
    public @Nullable LinearEdit linear(int module) {
      return null;
    }

    @Override
    public @Nullable Tensor norm(int module) {
      return null;
    }

    @Override
    public @Nullable EmbeddingEdit embedding() {
      return null;
    }

    @Override
    public @Nullable HeadRows headRows() {
      return null;
    }

    @Override
    public int[] invocationTokens() {
      return new int[0];
    }

    @Override
    public boolean scalable() {
      return kind.equals("lora");
    }

    @Override
    public boolean replacesWeights() {
      return kind.equals("saved");
    }
  }
}
