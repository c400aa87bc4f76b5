package dev.openlora.server.finetuning;

import dev.openlora.server.http.Json;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** A worker's line as an event. Any thread. */
final class WorkerEventReader {
  private WorkerEventReader() {}

  /**
   * Reads a line.
   *
   * @return null for what is no event, or one that is not known here
   * @throws IllegalArgumentException when an event lacks something; names it
   */
  static @Nullable WorkerEvent read(String line) {
    JsonNode json;
    try {
      json = line.startsWith("{") ? Json.MAPPER.readTree(line) : null;
    } catch (JacksonException e) {
      return null;
    }
    JsonNode kind = json == null ? null : json.get("event");
    if (json == null || kind == null || !kind.isString()) {
      return null;
    }
    return switch (kind.stringValue()) {
      case "started" ->
          new WorkerEvent.Started(
              whole(json, "steps"),
              wide(json, "examples"),
              wide(json, "held_out"),
              wide(json, "learned_tokens"));
      case "step" ->
          new WorkerEvent.Step(
              whole(json, "step"),
              whole(json, "steps"),
              real(json, "epoch"),
              real(json, "loss"),
              real(json, "learning_rate"),
              real(json, "gradient_norm"),
              real(json, "tokens_per_second"),
              real(json, "eta_seconds"));
      case "evaluated" ->
          new WorkerEvent.Evaluated(
              whole(json, "step"), real(json, "loss"), real(json, "perplexity"));
      case "checkpoint" -> new WorkerEvent.Checkpointed(whole(json, "step"), text(json, "folder"));
      case "done" ->
          new WorkerEvent.Done(
              text(json, "adapter"),
              text(json, "sha256"),
              real(json, "loss"),
              isNumber(json, "held_out_loss") ? real(json, "held_out_loss") : null,
              wide(json, "trained_tokens"));
      case "failed" -> new WorkerEvent.Failed(text(json, "message"));
      default -> null;
    };
  }

  private static int whole(JsonNode json, String name) {
    return Math.toIntExact(wide(json, name));
  }

  private static long wide(JsonNode json, String name) {
    JsonNode value = json.get(name);
    if (value == null || !value.isIntegralNumber() || value.longValue() < 0) {
      throw wrong(json, name, "a whole number");
    }
    return value.longValue();
  }

  /** A loss that has run away comes as text, because JSON has no word for it. */
  private static double real(JsonNode json, String name) {
    JsonNode value = json.get(name);
    if (value != null && (value.isNull() || value.isString())) {
      return Double.NaN;
    }
    if (value == null || !value.isNumber()) {
      throw wrong(json, name, "a number");
    }
    return value.doubleValue();
  }

  private static boolean isNumber(JsonNode json, String name) {
    JsonNode value = json.get(name);
    return value != null && value.isNumber();
  }

  private static String text(JsonNode json, String name) {
    JsonNode value = json.get(name);
    if (value == null || !value.isString()) {
      throw wrong(json, name, "text");
    }
    return value.stringValue();
  }

  private static IllegalArgumentException wrong(JsonNode json, String name, String expected) {
    return new IllegalArgumentException(
        "the worker's event "
            + Excerpt.of(json.toString())
            + ": "
            + name
            + ": "
            + json.get(name)
            + " (expected: "
            + expected
            + ")");
  }
}
