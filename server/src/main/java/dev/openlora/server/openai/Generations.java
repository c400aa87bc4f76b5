package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.server.admission.RequestSlots;
import dev.openlora.server.admission.RequestSlots.RefusedException;
import dev.openlora.server.admission.RequestSlots.Slot;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Reply;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Runs what the endpoints have understood, and knows what is running. Any thread. */
final class Generations {
  private final Engine engine;
  private final RequestSlots slots;
  private final ServerMetrics metrics;
  private final Set<GenerationRun> running = ConcurrentHashMap.newKeySet();

  Generations(Engine engine, RequestSlots slots, ServerMetrics metrics) {
    this.engine = engine;
    this.slots = slots;
    this.metrics = metrics;
  }

  /** How an endpoint understands a body whose adapters are leased. */
  @FunctionalInterface
  interface Reading {
    GenerationCall call(Fields fields, Selection selection) throws ApiException;
  }

  /**
   * Answers a request in one piece or in events, as it asks. Its place among the running ones is
   * taken before its body is read, and given back when the answer is over.
   */
  void answer(Exchange exchange, ModelSelector selector, AnswerFormat format, Reading reading)
      throws ApiException, InterruptedException {
    Slot slot = slot();
    boolean streaming = false;
    try {
      Fields fields = new Fields(JsonBody.parse(exchange.request().body()));
      Unserved.refuse(fields, format instanceof ChatFormat);
      try (Selection selection = selector.select(fields)) {
        GenerationCall call = reading.call(fields, selection);
        if (call.options().stream()) {
          stream(exchange, call, selection, format, slot);
          streaming = true;
        } else {
          collect(exchange, call, selection, format);
        }
      }
    } finally {
      if (!streaming) {
        slot.close();
      }
    }
  }

  Slot slot() throws ApiException {
    try {
      return slots.take();
    } catch (RefusedException e) {
      String message = String.valueOf(e.getMessage());
      throw e.draining()
          ? ApiException.unavailable(message)
          : ApiException.tooManyRequests(message);
    }
  }

  /** Answers in one piece; returns when all is over. */
  private void collect(
      Exchange exchange, GenerationCall call, Selection selection, AnswerFormat format)
      throws ApiException, InterruptedException {
    GenerationRun run = new GenerationRun(engine, call, metrics);
    CollectedAnswer answer = new CollectedAnswer(run);
    running.add(run);
    try {
      exchange.whenGone(run::cancel);
      run.submit(selection, answer);
      answer.await();
    } finally {
      running.remove(run);
    }
    exchange.reply(Reply.json(json -> format.writeBody(json, call, run.choices())));
  }

  /** Answers in events; returns when all is submitted, and owns the slot then. */
  private void stream(
      Exchange exchange, GenerationCall call, Selection selection, AnswerFormat format, Slot slot)
      throws ApiException {
    GenerationRun run = new GenerationRun(engine, call, metrics);
    StreamedAnswer answer =
        new StreamedAnswer(
            exchange,
            call,
            format,
            run,
            () -> {
              running.remove(run);
              slot.close();
            });
    running.add(run);
    boolean submitted = false;
    try {
      exchange.whenGone(run::cancel);
      run.submit(selection, answer);
      submitted = true;
    } finally {
      if (!submitted) {
        running.remove(run);
      }
    }
    answer.start();
  }

  /** Cancels all that is running. */
  void cancelAll() {
    running.forEach(GenerationRun::cancel);
  }
}
