package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.server.admission.Access;
import dev.openlora.server.admission.RequestSlots;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.NettyServer;
import dev.openlora.server.http.Reply;
import dev.openlora.server.http.RequestRouter;
import dev.openlora.server.http.Route;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The OpenAI API of one engine on one port. Start it once, drain it, close it; the engine and the
 * registry stay the caller's.
 */
public final class OpenAiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OpenAiServer.class);
  private static final String VERSION =
      Objects.requireNonNullElse(
          OpenAiServer.class.getPackage().getImplementationVersion(), "development");
  private static final Duration CANCEL_TIME = Duration.ofSeconds(5);

  private final ServerParts parts;
  private final RequestSlots slots;
  private final ServerMetrics metrics;
  private final Generations generations;
  private final byte[] openApi;
  private @Nullable NettyServer server; // guarded by this

  public OpenAiServer(ServerParts parts) {
    this.parts = parts;
    this.slots = new RequestSlots(parts.limits().requestsMax());
    this.metrics =
        new ServerMetrics(
            parts.engine(),
            parts.adapters(),
            slots,
            parts.limits().adaptersResidentMax(),
            parts.metrics());
    this.generations = new Generations(parts.engine(), slots, metrics);
    this.openApi = resource("openapi.json");
  }

  /**
   * Listens.
   *
   * @return the port
   * @throws IllegalArgumentException when the address is open to others and there is no key
   * @throws IllegalStateException when it runs already, or the port cannot be had
   */
  public synchronized int start() {
    if (server != null) {
      throw new IllegalStateException("the server runs already");
    }
    parts.keys().checkBind(parts.bind());
    server =
        new NettyServer(
            parts.bind(),
            parts.port(),
            parts.limits().http(),
            new RequestRouter(routes(), parts.keys(), metrics::answered));
    LOG.info(
        "serving {} on {}:{}",
        parts.engine().model().id(),
        parts.bind().getHostAddress(),
        server.port());
    return server.port();
  }

  /** The port, or 0 when it does not run. */
  public synchronized int port() {
    return server == null ? 0 : server.port();
  }

  /**
   * Takes no new work: readiness is 503 and so are new requests. Returns when what runs has ended;
   * what is left after the duration is cancelled.
   *
   * @return whether everything ended by itself
   */
  public boolean drain(Duration limit) throws InterruptedException {
    slots.drain();
    LOG.info("draining: {} requests in progress", slots.taken());
    boolean byItself = slots.awaitIdle(limit);
    if (!byItself) {
      LOG.info("draining: cancelling {} requests", slots.taken());
      generations.cancelAll();
      slots.awaitIdle(CANCEL_TIME);
    }
    return byItself;
  }

  /** Cancels what runs and closes all connections. */
  @Override
  public synchronized void close() {
    slots.drain();
    generations.cancelAll();
    if (server != null) {
      server.close();
      server = null;
    }
  }

  /** Requests that are worked on. */
  int requestsInProgress() {
    return slots.taken();
  }

  /** Bytes of request bodies that are held. */
  synchronized long bodyBytes() {
    return server == null ? 0 : server.bodyBytes();
  }

  List<Route> routes() {
    Engine engine = parts.engine();
    String hash = engine.model().contentHash();
    String fingerprint =
        "openlora-" + VERSION + "-" + hash.substring(0, Math.min(8, hash.length()));
    LogprobJson logprobs = new LogprobJson(engine.tokenizer());
    ModelSelector selector =
        new ModelSelector(engine.model(), parts.adapters(), parts.limits().adaptersPerRequestMax());
    ChatMessages messages = new ChatMessages(parts.chat());
    ModelHandler models = new ModelHandler(engine, parts.adapters());
    AdapterHandler adapters = new AdapterHandler(engine.model().id(), parts.adapters());
    TokenHandler tokens = new TokenHandler(engine, generations, selector, messages);
    FileHandler files = new FileHandler(parts.fineTuning());
    FineTuningHandler tuning =
        new FineTuningHandler(parts.fineTuning(), engine.model().id(), parts.adapters());
    return List.of(
        Route.post(
            "/v1/completions",
            Access.API,
            new CompletionHandler(
                engine,
                selector,
                generations,
                parts.limits(),
                new CompletionFormat(logprobs, fingerprint))),
        Route.post(
            "/v1/chat/completions",
            Access.API,
            new ChatHandler(
                engine,
                selector,
                generations,
                parts.limits(),
                messages,
                new ChatFormat(logprobs, fingerprint))),
        Route.get("/v1/models", Access.API, models::list),
        Route.get("/v1/models/*", Access.API, models::one),
        Route.post("/v1/load_lora_adapter", Access.ADMIN, adapters::load),
        Route.post("/v1/unload_lora_adapter", Access.ADMIN, adapters::unload),
        Route.upload("/v1/files", Access.API, files.uploadBytesMax(), files::create),
        Route.get("/v1/files", Access.API, files::list),
        Route.get("/v1/files/{id}", Access.API, files::one),
        Route.delete("/v1/files/{id}", Access.API, files::delete),
        Route.get("/v1/files/{id}/content", Access.API, files::content),
        Route.post("/v1/fine_tuning/jobs", Access.API, tuning::create),
        Route.get("/v1/fine_tuning/jobs", Access.API, tuning::list),
        Route.get("/v1/fine_tuning/jobs/{id}", Access.API, tuning::one),
        Route.post("/v1/fine_tuning/jobs/{id}/cancel", Access.API, tuning::cancel),
        Route.post("/v1/fine_tuning/jobs/{id}/pause", Access.API, tuning::pause),
        Route.post("/v1/fine_tuning/jobs/{id}/resume", Access.API, tuning::resume),
        Route.get("/v1/fine_tuning/jobs/{id}/events", Access.API, tuning::events),
        Route.get("/v1/fine_tuning/jobs/{id}/checkpoints", Access.API, tuning::checkpoints),
        Route.post("/tokenize", Access.API, tokens::tokenize),
        Route.post("/detokenize", Access.API, tokens::detokenize),
        Route.get("/health", Access.OPEN, OpenAiServer::live),
        Route.get("/health/live", Access.OPEN, OpenAiServer::live),
        Route.get("/health/ready", Access.OPEN, this::ready),
        Route.get("/ping", Access.OPEN, OpenAiServer::live),
        Route.post("/ping", Access.OPEN, OpenAiServer::live),
        Route.get("/version", Access.OPEN, OpenAiServer::version),
        Route.get("/metrics", Access.METRICS, this::metrics),
        Route.get(
            "/openapi.json", Access.OPEN, exchange -> exchange.reply(Reply.json(200, openApi))));
  }

  private static void live(Exchange exchange) {
    exchange.reply(Reply.json(json -> json.writeStartObject().writeEndObject()));
  }

  private void ready(Exchange exchange) throws ApiException {
    if (slots.draining()) {
      throw ApiException.unavailable("The server is shutting down.");
    }
    live(exchange);
  }

  private static void version(Exchange exchange) {
    exchange.reply(
        Reply.json(json -> {
          json.writeStartObject();
          json.writeStringProperty("version", VERSION);
          json.writeEndObject();
        }));
  }

  private void metrics(Exchange exchange) {
    Reply text = Reply.text(metrics.scrape());
    exchange.reply(
        new Reply(200, "text/plain; version=0.0.4; charset=utf-8", text.body(), Map.of()));
  }

  private static byte[] resource(String name) {
    try (InputStream in = OpenAiServer.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the server's jar");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(name + " cannot be read from the server's jar", e);
    }
  }
}
