package dev.openlora.server.assembly;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.adapter.AdapterRoots;
import dev.openlora.adapter.LocalAdapterRegistry;
import dev.openlora.attribution.datanet.RowLimits;
import dev.openlora.engine.EngineConfig;
import dev.openlora.engine.LocalEngine;
import dev.openlora.engine.StepListener;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.finetuning.FineTuningLimits;
import dev.openlora.server.finetuning.ProcessTuningWorker;
import dev.openlora.server.finetuning.RowCheck;
import dev.openlora.server.finetuning.TuneCommandLine;
import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.openai.ChatRenderer;
import dev.openlora.server.openai.OpenAiServer;
import dev.openlora.server.openai.ServerLimits;
import dev.openlora.server.openai.ServerParts;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All parts of one server, put together from a configuration and closed in the opposite order. Any
 * thread; close once.
 */
public final class RunningServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunningServer.class);
  private static final Duration TUNING_STOP_TIME = Duration.ofSeconds(30);
  private static final long MIB = 1024 * 1024;
  private static final long KV_BYTES_DEFAULT_MAX = 4096 * MIB;

  private final ServerConfig config;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final LocalEngine engine;
  private final AdapterRegistry adapters;
  private final OpenAiServer http;
  private final InetAddress address;
  private final int port;

  private RunningServer(ServerConfig config, List<StepListener> stepListeners)
      throws StartupException {
    this.config = config;
    boolean complete = false;
    try {
      address = InetAddress.getByName(config.server().host());
      TorchLibrary library = library(config.model().libtorch(), config.engine().threads());
      Device device = Device.parse(config.model().device());
      long availableBytes = Machine.read().availableMiB() * MIB;
      engine =
          keep(
              LocalEngine.open(
                  config.model().name(),
                  config.model().requiredPath(),
                  EngineOps.open(config, library, device),
                  dtype(config.model().dtype()),
                  engineConfig(config, availableBytes),
                  stepListeners));
      EngineOps.check(config, engine.model().dtype());
      // Operations are for one thread at a time, and adapters load while the engine runs.
      TorchOps loaderOps = keepBelow(new TorchOps(library, device));
      adapters =
          keepBelow(
              new LocalAdapterRegistry(
                  engine.model(),
                  loaderOps,
                  AdapterRoots.of(adapterRoots(config)),
                  adapterBytes(config, availableBytes),
                  engine::forget));
      loadAdapters();
      FineTuning fineTuning = fineTuning();
      PrometheusMeterRegistry metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      http =
          keep(
              new OpenAiServer(
                  new ServerParts(
                      engine,
                      adapters,
                      chat(),
                      fineTuning,
                      limits(config),
                      new AccessKeys(
                          config.server().apiKeys(),
                          config.server().adminKeys(),
                          config.server().openMetrics()),
                      address,
                      config.server().port(),
                      metrics)));
      if (fineTuning != null) {
        fineTuning.start();
      }
      port = http.start();
      complete = true;
    } catch (UnknownHostException e) {
      throw new StartupException("server.host: '" + config.server().host() + "' is not known", e);
    } catch (NoSuchFileException e) {
      throw new StartupException("no such file: " + e.getFile(), e);
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      throw new StartupException(String.valueOf(e.getMessage()), e);
    } finally {
      if (!complete) {
        close();
      }
    }
  }

  /** Starts a server; it answers when this returns. */
  public static RunningServer start(ServerConfig config, List<StepListener> stepListeners)
      throws StartupException {
    RunningServer server = new RunningServer(config, stepListeners);
    LOG.info(
        "ready in {} s at {} with {}, {} adapters",
        String.format(Locale.ROOT, "%.1f", secondsSinceProcessStart()),
        server.uri(),
        server.modelName(),
        server.adapters.list().size());
    return server;
  }

  /** To be closed before everything that is kept already. */
  private <T extends AutoCloseable> T keep(T part) {
    parts.push(part);
    return part;
  }

  /** To be closed after everything that is kept already: what others still use while they end. */
  private <T extends AutoCloseable> T keepBelow(T part) {
    parts.addLast(part);
    return part;
  }

  private static TorchLibrary library(@Nullable Path folder, int threads) throws IOException {
    boolean told =
        System.getenv("OMP_WAIT_POLICY") != null || System.getenv("GOMP_SPINCOUNT") != null;
    return TorchLibrary.load(
        new TorchLibrary.Options(
            folder, threads, told ? TorchLibrary.Waiting.ENVIRONMENT : TorchLibrary.Waiting.SLEEP));
  }

  private static @Nullable DType dtype(ServerConfig.NumberType type) {
    return switch (type) {
      case AUTO -> null;
      case FLOAT32 -> DType.F32;
      case BFLOAT16 -> DType.BF16;
    };
  }

  private static EngineConfig engineConfig(ServerConfig config, long availableBytes) {
    ServerConfig.Batching batching = config.engine();
    long kvBytes =
        batching.kvMemoryMiB() > 0
            ? batching.kvMemoryMiB() * MIB
            : Math.clamp(availableBytes / 4, 64 * MIB, KV_BYTES_DEFAULT_MAX);
    return new EngineConfig(
        config.model().maxModelLength(),
        batching.maxBatchTokens(),
        batching.maxSequences(),
        batching.maxWaiting(),
        kvBytes,
        batching.pageSize(),
        batching.prefixCache(),
        EngineConfig.DEFAULT.logitsRows());
  }

  private static long adapterBytes(ServerConfig config, long availableBytes) {
    return config.adapters().memoryMiB() > 0
        ? config.adapters().memoryMiB() * MIB
        : Math.max(64 * MIB, availableBytes / 4);
  }

  private static ServerLimits limits(ServerConfig config) {
    HttpLimits http = HttpLimits.defaults();
    ServerLimits all = ServerLimits.defaults();
    int bodyBytes = Math.toIntExact(config.server().maxRequestMiB() * MIB);
    return new ServerLimits(
        new HttpLimits(
            bodyBytes,
            Math.max(http.bodyBytesTotalMax(), bodyBytes),
            http.requestLineBytesMax(),
            http.headerBytesMax(),
            config.server().maxConnections(),
            http.readTimeout(),
            http.idleTimeout(),
            http.stallTimeout()),
        config.engine().maxSequences() + config.engine().maxWaiting(),
        all.choicesMax(),
        all.sequencesMax(),
        all.adaptersPerRequestMax(),
        all.adaptersResidentMax());
  }

  private @Nullable ChatRenderer chat() {
    return engine.tokenizer() instanceof HuggingFaceTokenizer tokenizer
        ? TemplateChat.of(tokenizer).orElse(null)
        : null;
  }

  /** The allowed roots, and the one under which fine-tuning puts what it made. */
  private static List<Path> adapterRoots(ServerConfig config) throws IOException {
    Path tuning = config.tuning().directory();
    if (tuning == null) {
      return config.adapters().allowedRoots();
    }
    Path root = Files.createDirectories(FineTuning.adapterRoot(tuning));
    return Stream.concat(config.adapters().allowedRoots().stream(), Stream.of(root)).toList();
  }

  private @Nullable FineTuning fineTuning() throws IOException {
    ServerConfig.Tuning tuning = config.tuning();
    Path directory = tuning.directory();
    if (directory == null) {
      return null;
    }
    ProcessTuningWorker worker =
        new ProcessTuningWorker(
            new ProcessTuningWorker.Options(
                new TuneCommandLine(
                    config.model().requiredPath(), tuning.heapMiB(), tuning.threads()),
                false,
                tuning.threads(),
                tuning.cpus(),
                TUNING_STOP_TIME));
    return keep(
        new FineTuning(
            new FineTuning.Setup(engine.model().id(), tuning.organization(), tuning.enabled()),
            directory,
            new FineTuningLimits(
                tuning.maxRunning(),
                tuning.maxWaiting(),
                tuning.maxJobs(),
                tuning.maxAttempts(),
                tuning.maxFileMiB() * MIB,
                tuning.maxFiles(),
                tuning.maxFilesMiB() * MIB),
            worker,
            adapters,
            new RowCheck(RowLimits.DEFAULT, text -> engine.tokenizer().encode(text, false).length),
            Clock.systemUTC()));
  }

  private void loadAdapters() throws IOException, StartupException {
    Path directory = config.adapters().directory();
    if (directory == null) {
      return;
    }
    List<Path> folders;
    try (Stream<Path> entries = Files.list(directory)) {
      folders =
          entries
              .filter(entry -> Files.isRegularFile(entry.resolve("adapter_config.json")))
              .sorted()
              .toList();
    }
    int refused = 0;
    for (Path folder : folders) {
      String name = folder.getFileName().toString();
      try {
        adapters.load(name, folder.toAbsolutePath().normalize(), false);
      } catch (AdapterException e) {
        refused++;
        LOG.error("adapter {} is NOT served: {}", name, e.getMessage());
        if (config.adapters().strict()) {
          throw new StartupException("adapter " + name + ": " + e.getMessage(), e);
        }
      }
    }
    LOG.info("adapters: {} served, {} refused", folders.size() - refused, refused);
  }

  private static double secondsSinceProcessStart() {
    return ProcessHandle.current()
        .info()
        .startInstant()
        .map(start -> Duration.between(start, Instant.now()).toMillis() / 1000.0)
        .orElse(Double.NaN);
  }

  /** Where it answers. */
  public URI uri() {
    String host = address.isAnyLocalAddress() ? "127.0.0.1" : address.getHostAddress();
    return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port);
  }

  public String modelName() {
    return engine.model().id();
  }

  public AdapterRegistry adapters() {
    return adapters;
  }

  /**
   * Waits for SIGTERM or Ctrl-C, then drains, closes and ends the process with status 0: a server
   * that was asked to stop and did has not failed. Does not return otherwise.
   */
  public void untilStopped() throws InterruptedException {
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .name("shutdown")
                .unstarted(() -> {
                  stop();
                  Runtime.getRuntime().halt(0);
                }));
    new CountDownLatch(1).await();
  }

  private void stop() {
    try {
      http.drain(Duration.ofSeconds(config.server().drainSeconds()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    close();
    LOG.info("stopped");
  }

  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.error("closing {} failed", part.getClass().getSimpleName(), e);
      }
    }
  }
}
