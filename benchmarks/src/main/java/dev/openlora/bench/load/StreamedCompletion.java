package dev.openlora.bench.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends requests to one server and judges the answers: a status, an error, an end before its time
 * and a wrong number of tokens are faults, never exceptions. Any thread.
 *
 * @param patience the longest silence that is waited for
 */
record StreamedCompletion(Endpoint endpoint, Ticker ticker, Duration patience) {
  /**
   * Sends now, and returns when the answer is over.
   *
   * @param meant when it should have been sent, in the ticker's nanoseconds
   */
  Outcome send(Ask ask, long meant) {
    StreamedAnswer answer = new StreamedAnswer();
    Fault fault;
    try {
      fault = read(ask, answer);
      fault = fault == null ? miscount(ask, answer) : fault;
    } catch (SocketTimeoutException e) {
      fault = new Fault("timeout", "nothing for " + patience.toSeconds() + " s");
    } catch (JacksonException e) {
      fault = new Fault("event", "not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      fault = new Fault("connection", String.valueOf(e.getMessage()));
    }
    return outcome(ask, answer, fault, meant, ticker.nanos());
  }

  private @Nullable Fault read(Ask ask, StreamedAnswer answer) throws IOException {
    byte[] body =
        endpoint.dialect().body(endpoint, ask).toString().getBytes(StandardCharsets.UTF_8);
    try (HttpCall call = HttpCall.send(endpoint.completions(), endpoint.apiKey(), body, patience)) {
      if (call.status() != 200) {
        return new Fault("HTTP " + call.status(), ErrorText.of(call.text()));
      }
      return events(call.body(), answer);
    }
  }

  /** Reads events until one says that it was the last, or one says what went wrong. */
  @Nullable Fault events(InputStream body, StreamedAnswer answer) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Fault fault = event(line, answer);
      if (fault != null || answer.isDone()) {
        return fault;
      }
    }
    return new Fault("truncated", "the stream ended before it said so");
  }

  /** One line is one event: no server breaks its JSON over several. */
  private @Nullable Fault event(String line, StreamedAnswer answer) {
    int colon = line.indexOf(':');
    String field = colon < 0 ? "" : line.substring(0, colon);
    String data = line.substring(colon + 1).strip();
    if (field.equals("error")) {
      return new Fault("stream", ErrorText.of(data));
    }
    if (!field.equals("data")) {
      return null;
    }
    if (data.equals("[DONE]")) {
      answer.finish();
      return null;
    }
    long nanos = ticker.nanos();
    JsonNode json = JsonMapper.shared().readTree(data);
    if (json.hasNonNull("error")) {
      return new Fault("stream", ErrorText.of(json));
    }
    endpoint.dialect().read(json, nanos, answer);
    return null;
  }

  private static @Nullable Fault miscount(Ask ask, StreamedAnswer answer) {
    if (!answer.isCounted()) {
      return new Fault("usage", "absent (expected: counts of tokens in the last event)");
    }
    if (answer.outputTokens() != ask.newTokens()) {
      return new Fault(
          "token count", answer.outputTokens() + " new (expected: " + ask.newTokens() + ")");
    }
    if (ask.promptTokens() > 0 && answer.promptTokens() != ask.promptTokens()) {
      return new Fault(
          "token count",
          answer.promptTokens() + " of the prompt (expected: " + ask.promptTokens() + ")");
    }
    return null;
  }

  private static Outcome outcome(
      Ask ask, StreamedAnswer answer, @Nullable Fault fault, long meant, long end) {
    long[] pieces = answer.pieceNanos();
    long[] gaps = new long[Math.max(0, pieces.length - 1)];
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = pieces[i + 1] - pieces[i];
    }
    // A token may have no text of its own; when it is the only one, the end says when it came.
    boolean silent = pieces.length == 0;
    long first =
        !silent ? pieces[0] - meant : answer.outputTokens() == 1 ? end - meant : Outcome.NO_TEXT;
    long last = silent ? first : pieces[pieces.length - 1] - meant;
    return new Outcome(
        ask.adapter(),
        end - meant,
        first,
        last,
        gaps,
        answer.promptTokens(),
        answer.outputTokens(),
        answer.text(),
        fault);
  }
}
