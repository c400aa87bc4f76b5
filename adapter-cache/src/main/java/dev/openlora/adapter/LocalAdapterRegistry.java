package dev.openlora.adapter;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.kernels.Ops;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adapters from folders under the allowed roots. Names point at versions, versions at memory: the
 * same content under two names is held once, and is freed when the last name is gone and the last
 * lease is closed. Loads are one at a time under {@code loading}, which is held for as long as a
 * load takes; names and counts change under {@code state}, which is never held across a load or a
 * file, so leases are given out while an adapter loads. The {@code ops} have to be such that a
 * loader thread may open arenas, copy and take row norms while others run.
 */
public final class LocalAdapterRegistry implements AdapterRegistry {
  private static final Logger LOG = LoggerFactory.getLogger(LocalAdapterRegistry.class);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/:-]{0,199}");
  private static final Pattern SHA_PREFIX = Pattern.compile("[0-9a-f]{8,64}");

  private final BaseModel base;
  private final Ops ops;
  private final AdapterRoots roots;
  private final long bytesMax;
  private final Consumer<AdapterId> freed;

  private final ReentrantLock loading = new ReentrantLock();

  private final ReentrantLock state = new ReentrantLock();
  private final Map<String, Named> names = new LinkedHashMap<>(); // guarded by state
  private final Map<String, Version> versions = new HashMap<>(); // guarded by state
  private int leases; // guarded by state
  private boolean closed; // guarded by state

  /** A name's adapter and the version below it. */
  private record Named(LoadedAdapter adapter, Version version) {}

  /** Memory and how many names and leases hold it. */
  private static final class Version {
    final LoadedAdapter first;
    int holders; // guarded by state

    Version(LoadedAdapter first) {
      this.first = first;
    }
  }

  /**
   * A registry for one base.
   *
   * @param bytesMax the limit on the device bytes of all versions that are held
   */
  public LocalAdapterRegistry(BaseModel base, Ops ops, AdapterRoots roots, long bytesMax) {
    this(base, ops, roots, bytesMax, freed -> {});
  }

  /**
   * A registry that tells when a version is gone.
   *
   * @param freed hears of a version whose last name and lease are gone, so that caches forget it;
   *     must return at once
   */
  public LocalAdapterRegistry(
      BaseModel base, Ops ops, AdapterRoots roots, long bytesMax, Consumer<AdapterId> freed) {
    this.freed = freed;
    this.base = base;
    this.ops = ops;
    this.roots = roots;
    this.bytesMax = bytesMax;
  }

  @Override
  public Adapter load(String name, Path folder, boolean replace) throws AdapterException {
    checkName(name);
    loading.lock();
    try {
      checkFree(name, replace);
      AdapterFolder files = AdapterFolder.open(roots.folder(folder), roots);
      AdapterId id = new AdapterId(name, files.sha256());
      LoadedAdapter adapter = share(id, folder);
      if (adapter == null) {
        adapter = publishNew(id, folder, files);
      }
      LOG.info("adapter {} loaded: {}, {} bytes", id, adapter.description(), adapter.bytes());
      return adapter;
    } finally {
      loading.unlock();
    }
  }

  @Override
  public long unload(String name) throws AdapterException {
    long freed;
    state.lock();
    try {
      Named named = names.remove(name);
      if (named == null) {
        throw new AdapterException(
            Reason.NOT_FOUND, "The lora adapter '" + Refusal.shown(name) + "' cannot be found.");
      }
      boolean shared = names.values().stream().anyMatch(n -> n.version() == named.version());
      freed = shared ? 0 : named.adapter().bytes();
      release(named.version());
    } finally {
      state.unlock();
    }
    LOG.info("adapter {} unloaded: {} bytes", name, freed);
    return freed;
  }

  @Override
  public Optional<AdapterLease> acquire(String name) {
    int at = name.lastIndexOf('@');
    String alias = at < 0 ? name : name.substring(0, at);
    String prefix = at < 0 ? "" : name.substring(at + 1).toLowerCase(Locale.ROOT);
    if (at >= 0 && !SHA_PREFIX.matcher(prefix).matches()) {
      return Optional.empty();
    }
    state.lock();
    try {
      Named named = names.get(alias);
      if (named == null || !named.adapter().id().sha256().startsWith(prefix)) {
        return Optional.empty();
      }
      named.version().holders++;
      leases++;
      return Optional.of(new Lease(named));
    } finally {
      state.unlock();
    }
  }

  @Override
  public List<Adapter> list() {
    state.lock();
    try {
      return names.values().stream().<Adapter>map(Named::adapter).toList();
    } finally {
      state.unlock();
    }
  }

  @Override
  public long heldBytes() {
    state.lock();
    try {
      return versions.values().stream().mapToLong(version -> version.first.bytes()).sum();
    } finally {
      state.unlock();
    }
  }

  @Override
  public int openLeases() {
    state.lock();
    try {
      return leases;
    } finally {
      state.unlock();
    }
  }

  /** Takes all names away and refuses further loads; leases that are open keep their versions. */
  @Override
  public void close() {
    loading.lock();
    try {
      state.lock();
      try {
        closed = true;
        List<Named> all = List.copyOf(names.values());
        names.clear();
        all.forEach(named -> release(named.version()));
      } finally {
        state.unlock();
      }
    } finally {
      loading.unlock();
    }
  }

  private void checkName(String name) throws AdapterException {
    if (name.equals(base.id())) {
      throw new AdapterException(
          Reason.CONFLICT,
          "The lora adapter '" + Refusal.shown(name) + "' conflicts with a served base model.");
    }
    if (!NAME.matcher(name).matches()) {
      throw new AdapterException(
          Reason.FORBIDDEN,
          "adapter name: '"
              + Refusal.shown(name)
              + "' (expected: 1 to 200 of A-Z a-z 0-9 . _ - / :, a letter or digit first)");
    }
  }

  private void checkFree(String name, boolean replace) throws AdapterException {
    state.lock();
    try {
      if (closed) {
        throw new AdapterException(Reason.FULL, "adapters are no longer loaded: shutting down");
      }
      if (!replace && names.containsKey(name)) {
        throw new AdapterException(
            Reason.CONFLICT,
            "The lora adapter '"
                + name
                + "' has already been loaded. If you want to load the adapter in place, set"
                + " 'load_inplace' to True.");
      }
    } finally {
      state.unlock();
    }
  }

  /** Points the name at a version that is already held, or returns null. */
  private @Nullable LoadedAdapter share(AdapterId id, Path folder) {
    state.lock();
    try {
      Version version = versions.get(id.sha256());
      return version == null ? null : point(id.name(), folder, version);
    } finally {
      state.unlock();
    }
  }

  private LoadedAdapter publishNew(AdapterId id, Path folder, AdapterFolder files)
      throws AdapterException {
    LoadedAdapter loaded = AdapterLoader.load(id, folder, files, base, ops, bytesMax - heldBytes());
    state.lock();
    try {
      Version version = new Version(loaded);
      versions.put(id.sha256(), version);
      return point(id.name(), folder, version);
    } finally {
      state.unlock();
    }
  }

  private LoadedAdapter point(String name, Path folder, Version version) {
    LoadedAdapter adapter = version.first.under(name, folder);
    version.holders++;
    Named before = names.remove(name);
    names.put(name, new Named(adapter, version));
    if (before != null) {
      release(before.version());
    }
    return adapter;
  }

  private void release(Version version) {
    if (--version.holders == 0) {
      versions.remove(version.first.id().sha256());
      version.first.close();
      freed.accept(version.first.id());
    }
  }

  /** One hold on a version. */
  private final class Lease implements AdapterLease {
    private final Named named;
    private final AtomicBoolean open = new AtomicBoolean(true);

    Lease(Named named) {
      this.named = named;
    }

    @Override
    public Adapter adapter() {
      return named.adapter();
    }

    @Override
    public void close() {
      if (!open.compareAndSet(true, false)) {
        return;
      }
      state.lock();
      try {
        leases--;
        release(named.version());
      } finally {
        state.unlock();
      }
    }
  }
}
