package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.engine.Engine;
import dev.openlora.engine.EngineStats;
import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationListener;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.server.admission.RequestSlots;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the server tells about itself: {@code openlora_*}, and the four gauges of the Gateway API
 * Inference Extension under vLLM's names. Those are written here as text because a series of {@code
 * lora_requests_info} carries the resident adapters in a label: as a registered meter each
 * combination would stay for ever; written, there is one. Any thread.
 */
final class ServerMetrics {
  private static final Duration[] FIRST_TOKEN = {
    Duration.ofMillis(1),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(40),
    Duration.ofMillis(80),
    Duration.ofMillis(160),
    Duration.ofMillis(320),
    Duration.ofMillis(640),
    Duration.ofMillis(1280),
    Duration.ofMillis(2560),
    Duration.ofSeconds(5),
    Duration.ofSeconds(10),
    Duration.ofSeconds(20),
    Duration.ofSeconds(60)
  };
  private static final Duration[] BETWEEN_TOKENS = {
    Duration.ofMillis(1),
    Duration.ofMillis(2),
    Duration.ofMillis(5),
    Duration.ofMillis(10),
    Duration.ofMillis(20),
    Duration.ofMillis(40),
    Duration.ofMillis(80),
    Duration.ofMillis(160),
    Duration.ofMillis(320),
    Duration.ofMillis(640),
    Duration.ofMillis(2500)
  };

  private final Engine engine;
  private final AdapterRegistry adapters;
  private final PrometheusMeterRegistry meters;
  private final int adaptersMax;
  private final Timer firstToken;
  private final Timer betweenTokens;
  private final Timer stopped;
  private final Timer cut;
  private final Timer aborted;
  private final Timer failed;

  ServerMetrics(
      Engine engine,
      AdapterRegistry adapters,
      RequestSlots slots,
      int adaptersMax,
      PrometheusMeterRegistry meters) {
    this.engine = engine;
    this.adapters = adapters;
    this.meters = meters;
    this.adaptersMax = adaptersMax;
    this.firstToken =
        Timer.builder("openlora.time.to.first.token")
            .description("From submission to the first token of a generation")
            .serviceLevelObjectives(FIRST_TOKEN)
            .register(meters);
    this.betweenTokens =
        Timer.builder("openlora.inter.token.latency")
            .description("Between two tokens of a generation")
            .serviceLevelObjectives(BETWEEN_TOKENS)
            .register(meters);
    this.stopped = ended("stop");
    this.cut = ended("length");
    this.aborted = ended("abort");
    this.failed = ended("error");
    Gauge.builder("openlora.requests.in.progress", slots, RequestSlots::taken).register(meters);
    Gauge.builder("openlora.adapters.loaded", adapters, registry -> registry.list().size())
        .register(meters);
    Gauge.builder("openlora.adapter.held.bytes", adapters, AdapterRegistry::heldBytes)
        .register(meters);
    Gauge.builder("openlora.adapter.leases.open", adapters, AdapterRegistry::openLeases)
        .register(meters);
    gauge("openlora.engine.waiting", EngineStats::waiting);
    gauge("openlora.engine.running", EngineStats::running);
    gauge("openlora.kv.pages.total", EngineStats::kvPagesTotal);
    gauge("openlora.kv.pages.used", EngineStats::kvPagesUsed);
    gauge("openlora.kv.pages.cached", EngineStats::kvPagesCached);
    total("openlora.prompt.tokens", EngineStats::promptTokensTotal);
    total("openlora.prompt.tokens.cached", EngineStats::cachedPromptTokensTotal);
    total("openlora.output.tokens", EngineStats::outputTokensTotal);
    total("openlora.engine.steps", EngineStats::stepsTotal);
    total("openlora.engine.preemptions", EngineStats::preemptionsTotal);
    total("openlora.engine.finished", EngineStats::finishedTotal);
    total("openlora.engine.cancelled", EngineStats::cancelledTotal);
    total("openlora.engine.failed", EngineStats::failedTotal);
  }

  /** Counts an answered request. The routes and the statuses are few. */
  void answered(String route, int status) {
    Counter.builder("openlora.requests")
        .description("Answered requests, by route and HTTP status")
        .tag("route", route)
        .tag("status", Integer.toString(status))
        .register(meters)
        .increment();
  }

  /** The same listener, with its times taken down. */
  GenerationListener timed(GenerationListener listener) {
    return new Timed(listener);
  }

  /** The text of {@code /metrics}. */
  String scrape() {
    EngineStats stats = engine.stats();
    List<Adapter> resident = adapters.list();
    double used =
        stats.kvPagesTotal() == 0 ? 0 : (double) stats.kvPagesUsed() / stats.kvPagesTotal();
    return meters.scrape()
        + gaugeText("vllm:num_requests_waiting", "", stats.waiting())
        + gaugeText("vllm:num_requests_running", "", stats.running())
        + gaugeText("vllm:kv_cache_usage_perc", "", used)
        + gaugeText(
            "vllm:lora_requests_info",
            "{max_lora=\""
                + adaptersMax
                + "\",running_lora_adapters=\""
                + names(resident)
                + "\",waiting_lora_adapters=\"\"}",
            System.currentTimeMillis() / 1000.0);
  }

  private String names(List<Adapter> resident) {
    return resident.stream()
        .limit(adaptersMax)
        .map(adapter -> adapter.id().name())
        .map(name -> name.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"))
        .collect(Collectors.joining(","));
  }

  private static String gaugeText(String name, String labels, double value) {
    return String.format(
        Locale.ROOT, "# TYPE %s gauge\n%s%s %s\n", name, name, labels, Double.toString(value));
  }

  private Timer ended(String outcome) {
    return Timer.builder("openlora.generation.duration")
        .description("Generations from submission to their end, by how they ended")
        .tag("outcome", outcome)
        .register(meters);
  }

  private void gauge(String name, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(name, engine, e -> value.applyAsDouble(e.stats())).register(meters);
  }

  private void total(String name, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(name, engine, e -> value.applyAsDouble(e.stats())).register(meters);
  }

  private final class Timed implements GenerationListener {
    private final GenerationListener listener;
    private final long start = System.nanoTime();
    private @Nullable Long latest;

    Timed(GenerationListener listener) {
      this.listener = listener;
    }

    @Override
    public void onPrompt(List<List<TokenLogprob>> logprobs) {
      listener.onPrompt(logprobs);
    }

    @Override
    public void onToken(Token token) {
      long now = System.nanoTime();
      if (latest == null) {
        firstToken.record(now - start, TimeUnit.NANOSECONDS);
      } else {
        betweenTokens.record(now - latest, TimeUnit.NANOSECONDS);
      }
      latest = now;
      listener.onToken(token);
    }

    @Override
    public void onFinish(Finish finish) {
      end(
          switch (finish.reason()) {
            case STOP -> stopped;
            case LENGTH -> cut;
          });
      listener.onFinish(finish);
    }

    @Override
    public void onError(GenerationException error) {
      end(error.kind() == GenerationException.Kind.CANCELLED ? aborted : failed);
      listener.onError(error);
    }

    private void end(Timer timer) {
      timer.record(System.nanoTime() - start, TimeUnit.NANOSECONDS);
    }
  }
}
