package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalAdapterRegistryTest {
  private static final long PLENTY = 1L << 30;

  @TempDir Path home;

  private final int arenas = TensorArena.openArenas();
  private final ReferenceOps ops = new ReferenceOps();
  private final TinyBase base = new TinyBase(TinyBase.Shape.SMALL, ops);
  private final long baseBytes = TensorArena.openBytes();
  private final List<LocalAdapterRegistry> registries = new ArrayList<>();
  private Path root = Path.of("");

  @BeforeEach
  void makeRoot() throws IOException {
    root = Files.createDirectory(home.resolve("adapters"));
  }

  @AfterEach
  void leavesNothingOpen() {
    registries.forEach(LocalAdapterRegistry::close);
    assertThat(TensorArena.openBytes()).isEqualTo(baseBytes);
    base.close();
    ops.close();
    assertThat(TensorArena.openArenas()).isEqualTo(arenas);
  }

  private LocalAdapterRegistry registry(long bytesMax) throws IOException {
    LocalAdapterRegistry registry =
        new LocalAdapterRegistry(base, ops, AdapterRoots.of(List.of(root)), bytesMax);
    registries.add(registry);
    return registry;
  }

  private Path adapter(int seed) {
    return new PeftFolder(seed).pairs(base, 4, "q_proj").write(root.resolve("seed" + seed));
  }

  private static void assertRefused(ThrowingCallable call, Reason reason, String says) {
    Throwable thrown = catchThrowable(call);
    assertThat(thrown).isInstanceOf(AdapterException.class).hasMessageContaining(says);
    assertThat(((AdapterException) thrown).reason()).isEqualTo(reason);
  }

  @Test
  void servesANameUntilItIsUnloaded() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Adapter one = registry.load("team/one", adapter(1), false);
    registry.load("two", adapter(2), false);
    assertThat(registry.list()).extracting(a -> a.id().name()).containsExactly("team/one", "two");
    assertThat(registry.heldBytes()).isEqualTo(2 * one.bytes());
    assertThat(TensorArena.openBytes()).isEqualTo(baseBytes + 2 * one.bytes());
    assertThat(one.source()).isEqualTo(root.resolve("seed1"));
    assertThat(registry.unload("team/one")).isEqualTo(one.bytes());
    assertThat(registry.acquire("team/one")).isEmpty();
    assertThat(registry.heldBytes()).isEqualTo(one.bytes());
    assertThat(TensorArena.openBytes()).isEqualTo(baseBytes + one.bytes());
  }

  @Test
  void keepsALeasedVersionAfterItsNameIsGone() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    long bytes = registry.load("a", adapter(1), false).bytes();
    AdapterLease first = registry.acquire("a").orElseThrow();
    AdapterLease second = registry.acquire("a").orElseThrow();
    assertThat(registry.openLeases()).isEqualTo(2);
    assertThat(registry.unload("a")).isEqualTo(bytes);
    assertThat(registry.heldBytes()).isEqualTo(bytes);
    first.close();
    first.close();
    assertThat(registry.heldBytes()).isEqualTo(bytes);
    assertThat(second.adapter().id().name()).isEqualTo("a");
    second.close();
    assertThat(registry.heldBytes()).isZero();
    assertThat(registry.openLeases()).isZero();
  }

  @Test
  void movesANameAndKeepsWhatRequestsBeganWith() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    String before = registry.load("a", adapter(1), false).id().sha256();
    AdapterLease lease = registry.acquire("a").orElseThrow();
    String after = registry.load("a", adapter(2), true).id().sha256();
    assertThat(after).isNotEqualTo(before);
    assertThat(lease.adapter().id().sha256()).isEqualTo(before);
    try (AdapterLease now = registry.acquire("a").orElseThrow()) {
      assertThat(now.adapter().id().sha256()).isEqualTo(after);
    }
    assertThat(registry.acquire("a@" + before.substring(0, 12))).isEmpty();
    lease.close();
    assertThat(registry.list()).hasSize(1);
    assertThat(registry.heldBytes()).isEqualTo(registry.list().getFirst().bytes());
  }

  @Test
  void findsAVersionByThePrefixOfItsDigest() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    String sha = registry.load("a", adapter(1), false).id().sha256();
    for (String good :
        List.of(sha.substring(0, 8), sha.substring(0, 12).toUpperCase(Locale.ROOT), sha)) {
      Optional<AdapterLease> lease = registry.acquire("a@" + good);
      assertThat(lease).as(good).isPresent();
      lease.orElseThrow().close();
    }
    for (String bad : List.of("", sha.substring(0, 7), "0".repeat(8), sha + "0", "zzzzzzzz")) {
      assertThat(registry.acquire("a@" + bad)).as(bad).isEmpty();
    }
    assertThat(registry.acquire("@" + sha)).isEmpty();
    assertThat(registry.acquire("")).isEmpty();
  }

  @Test
  void holdsTheSameContentOnce() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Adapter one = registry.load("a", adapter(1), false);
    Path copy = new PeftFolder(1).pairs(base, 4, "q_proj").write(root.resolve("copy"));
    Adapter two = registry.load("b", copy, false);
    assertThat(two.id()).isEqualTo(new AdapterId("b", one.id().sha256()));
    assertThat(two.source()).isEqualTo(copy);
    assertThat(two.linear(0)).isSameAs(one.linear(0));
    assertThat(registry.heldBytes()).isEqualTo(one.bytes());
    assertThat(registry.unload("a")).isZero();
    assertThat(registry.unload("b")).isEqualTo(one.bytes());
    assertThat(registry.heldBytes()).isZero();
  }

  @Test
  void replacesByTheSameContent() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Adapter one = registry.load("a", adapter(1), false);
    assertThat(registry.load("a", adapter(1), true).id()).isEqualTo(one.id());
    assertThat(registry.heldBytes()).isEqualTo(one.bytes());
    assertThat(registry.unload("a")).isEqualTo(one.bytes());
  }

  @Test
  void refusesTakenNames() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    registry.load("a", adapter(1), false);
    assertRefused(
        () -> registry.load("a", adapter(2), false),
        Reason.CONFLICT,
        "The lora adapter 'a' has already been loaded");
    assertRefused(
        () -> registry.load("tiny", adapter(2), true),
        Reason.CONFLICT,
        "The lora adapter 'tiny' conflicts with a served base model.");
    assertRefused(
        () -> registry.unload("tiny"),
        Reason.NOT_FOUND,
        "The lora adapter 'tiny' cannot be found.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "a b",
        "a@12345678",
        "a\n",
        "\u0000",
        "-a",
        "../a",
        "a\\b",
        "ä",
        "a\u202eb"
      })
  void refusesNames(String name) throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    assertRefused(() -> registry.load(name, adapter(1), false), Reason.FORBIDDEN, "adapter name");
    assertRefused(() -> registry.load("a".repeat(201), adapter(1), false), Reason.FORBIDDEN, "200");
  }

  @Test
  void staysInsideItsRoots() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Path outside = new PeftFolder(5).pairs(base, 4, "q_proj").write(home.resolve("outside"));
    Path link = Files.createSymbolicLink(root.resolve("link"), outside);
    Path dangling = Files.createSymbolicLink(root.resolve("dangling"), home.resolve("none"));
    for (Path path :
        List.of(
            outside,
            home.resolve("not there"),
            Path.of("/etc"),
            link,
            dangling,
            dangling.resolve("deeper"),
            root.resolve("../outside"),
            Path.of("../outside"),
            Path.of("x/../../outside"),
            root.resolve("../adapters/seed1"),
            home.resolve("adapters-beside"))) {
      assertRefused(() -> registry.load("a", path, false), Reason.FORBIDDEN, path.toString());
    }
    assertRefused(
        () -> registry.load("a", root.resolve("none"), false),
        Reason.NOT_FOUND,
        "No adapter found for " + root.resolve("none"));
    assertRefused(() -> registry.load("a", root, false), Reason.NOT_FOUND, "No adapter found for");
    assertRefused(
        () -> registry.load("a", Path.of("none"), false),
        Reason.NOT_FOUND,
        "No adapter found for none");
    assertRefused(
        () -> registry.load("a", adapter(1).resolve("adapter_config.json"), false),
        Reason.NOT_FOUND,
        "No adapter found for");
    assertThat(registry.list()).isEmpty();
  }

  @Test
  void refusesAFileThatLinksOutside() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Path outside = new PeftFolder(5).pairs(base, 4, "q_proj").write(home.resolve("outside"));
    Path inside = Files.createDirectory(root.resolve("inside"));
    Files.copy(outside.resolve("adapter_config.json"), inside.resolve("adapter_config.json"));
    Files.createSymbolicLink(
        inside.resolve("adapter_model.safetensors"), outside.resolve("adapter_model.safetensors"));
    assertRefused(
        () -> registry.load("a", inside, false), Reason.FORBIDDEN, "adapter_model.safetensors");
  }

  @Test
  void followsLinksThatStayInside() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Path blobs = new PeftFolder(5).pairs(base, 4, "q_proj").write(root.resolve("blobs"));
    Path snapshot = Files.createDirectory(root.resolve("snapshot"));
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.createSymbolicLink(snapshot.resolve(file), Path.of("../blobs").resolve(file));
    }
    assertThat(registry.load("a", snapshot, false).id().sha256())
        .isEqualTo(registry.load("b", blobs, false).id().sha256());
    assertThat(registry.load("c", Path.of("blobs"), false).rank()).isEqualTo(4);
  }

  @Test
  void keepsWithinItsBytes() throws Exception {
    LocalAdapterRegistry probe = registry(PLENTY);
    long each = probe.load("a", adapter(1), false).bytes();
    probe.close();
    LocalAdapterRegistry registry = registry(2 * each);
    registry.load("a", adapter(1), false);
    registry.load("b", adapter(2), false);
    assertRefused(() -> registry.load("c", adapter(3), false), Reason.FULL, "expected: at most 0");
    registry.load("same", adapter(2), false);
    AdapterLease lease = registry.acquire("a").orElseThrow();
    registry.unload("a");
    assertRefused(() -> registry.load("c", adapter(3), false), Reason.FULL, "adapter 'c'");
    lease.close();
    registry.load("c", adapter(3), false);
    assertThat(registry.heldBytes()).isEqualTo(2 * each);
  }

  @Test
  void staysAsItWasWhenALoadFails() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    Adapter good = registry.load("a", adapter(1), false);
    Path bad = new PeftFolder(2).pairs(base, 3, "q_proj").write(root.resolve("bad"));
    assertRefused(() -> registry.load("a", bad, true), Reason.INVALID, "rank 3");
    try (AdapterLease lease = registry.acquire("a").orElseThrow()) {
      assertThat(lease.adapter().id()).isEqualTo(good.id());
    }
  }

  @Test
  void closesWithLeasesOpen() throws Exception {
    LocalAdapterRegistry registry = registry(PLENTY);
    registry.load("a", adapter(1), false);
    AdapterLease lease = registry.acquire("a").orElseThrow();
    registry.close();
    assertThat(registry.acquire("a")).isEmpty();
    assertThat(registry.heldBytes()).isPositive();
    assertRefused(() -> registry.load("b", adapter(2), false), Reason.FULL, "shutting down");
    lease.close();
    assertThat(registry.heldBytes()).isZero();
  }

  /** Operations that stand still in newArena until they are let go. */
  private static final class HeldOps extends DelegatingOps {
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);
    volatile boolean hold;

    HeldOps(ReferenceOps ops) {
      super(ops);
    }

    @Override
    public TensorArena newArena(String name) {
      if (hold) {
        reached.countDown();
        try {
          if (!go.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not let go");
          }
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
      return super.newArena(name);
    }
  }

  @Test
  void givesLeasesWhileAnAdapterLoads() throws Exception {
    HeldOps held = new HeldOps(ops);
    LocalAdapterRegistry registry =
        new LocalAdapterRegistry(base, held, AdapterRoots.of(List.of(root)), PLENTY);
    registries.add(registry);
    registry.load("a", adapter(1), false);
    Path second = adapter(2);
    held.hold = true;
    Thread loader =
        Thread.ofVirtual()
            .start(
                () -> assertThat(catchThrowable(() -> registry.load("b", second, false))).isNull());
    assertThat(held.reached.await(30, TimeUnit.SECONDS)).isTrue();
    try (AdapterLease lease = registry.acquire("a").orElseThrow()) {
      assertThat(lease.adapter().rank()).isEqualTo(4);
      assertThat(registry.acquire("b")).isEmpty();
      assertThat(registry.list()).hasSize(1);
      assertThat(registry.unload("a")).isPositive();
    }
    held.go.countDown();
    loader.join();
    assertThat(registry.list()).extracting(x -> x.id().name()).containsExactly("b");
  }

  @Test
  void agreesWithAnOracleOverARandomScript() throws Exception {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? new Random().nextLong() : Long.parseLong(given);
    System.out.println("LocalAdapterRegistryTest -Dtests.seed=" + seed);
    Random random = new Random(seed);
    LocalAdapterRegistry registry = registry(PLENTY);
    Path[] folders = new Path[6];
    for (int i = 0; i < folders.length; i++) {
      folders[i] = adapter(i);
    }
    Map<String, Integer> names = new LinkedHashMap<>();
    Map<AdapterLease, Integer> leases = new HashMap<>();
    String[] digests = new String[folders.length];
    long each = 0;
    for (int step = 0; step < 3_000; step++) {
      String name = "n" + random.nextInt(5);
      int content = random.nextInt(folders.length);
      switch (random.nextInt(6)) {
        case 0, 1 -> {
          boolean replace = random.nextBoolean();
          Throwable thrown = null;
          try {
            Adapter adapter = registry.load(name, folders[content], replace);
            each = adapter.bytes();
            digests[content] = adapter.id().sha256();
          } catch (AdapterException e) {
            thrown = e;
          }
          assertThat(thrown == null)
              .as("seed %s", seed)
              .isEqualTo(replace || !names.containsKey(name));
          if (thrown == null) {
            names.remove(name);
            names.put(name, content);
          }
        }
        case 2 -> {
          Integer had = names.remove(name);
          Throwable thrown = catchThrowable(() -> registry.unload(name));
          assertThat(thrown == null).as("seed %s", seed).isEqualTo(had != null);
        }
        case 3, 4 -> {
          Optional<AdapterLease> lease = registry.acquire(name);
          assertThat(lease.isPresent()).as("seed %s", seed).isEqualTo(names.containsKey(name));
          lease.ifPresent(l -> leases.put(l, names.get(name)));
        }
        default -> {
          if (!leases.isEmpty()) {
            AdapterLease lease =
                leases.keySet().stream()
                    .skip(random.nextInt(leases.size()))
                    .findFirst()
                    .orElseThrow();
            assertThat(lease.adapter().id().sha256())
                .isEqualTo(digests[leases.getOrDefault(lease, -1)]);
            leases.remove(lease);
            lease.close();
          }
        }
      }
      long versions =
          Stream.concat(names.values().stream(), leases.values().stream()).distinct().count();
      assertThat(registry.heldBytes()).as("seed %s step %s", seed, step).isEqualTo(versions * each);
      assertThat(TensorArena.openBytes()).isEqualTo(baseBytes + versions * each);
      assertThat(registry.openLeases()).isEqualTo(leases.size());
      assertThat(registry.list())
          .extracting(a -> a.id().name())
          .containsExactlyElementsOf(names.keySet());
    }
    leases.keySet().forEach(AdapterLease::close);
  }
}
