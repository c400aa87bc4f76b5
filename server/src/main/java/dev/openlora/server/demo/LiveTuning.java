package dev.openlora.server.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Makes one more adapter through the fine-tuning API while the server serves. One thread. */
final class LiveTuning {
  private static final Duration LIMIT = Duration.ofMinutes(10);
  private static final long POLL_MILLIS = 500;
  private static final Pattern STEP = Pattern.compile("Step (\\d+)/\\d+:.*");
  private static final int STEPS_TOLD_EVERY = 10;

  private final OpenAiClient client;
  private final PrintStream out;
  private final Set<String> told = new HashSet<>();

  LiveTuning(OpenAiClient client, PrintStream out) {
    this.client = client;
    this.out = out;
  }

  /** Tunes on a file of chats; returns the name under which the result is served. */
  String run(String base, Path rows, String suffix) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    String file = client.upload(rows);
    ObjectNode job = JsonMapper.shared().createObjectNode();
    job.put("model", base).put("training_file", file).put("suffix", suffix).put("seed", 1);
    ObjectNode settings = job.putObject("hyperparameters");
    settings.put("n_epochs", 8).put("batch_size", 8).put("learning_rate_multiplier", 15);
    String id = client.createJob(job).path("id").asString();
    out.printf(
        "%n  POST /v1/files %s  ->  %s%n  POST /v1/fine_tuning/jobs  ->  %s%n",
        rows.getFileName(), file, id);
    while (true) {
      JsonNode now = client.get("/v1/fine_tuning/jobs/" + id);
      tellEvents(id);
      String status = now.path("status").asString();
      if (status.equals("succeeded")) {
        String model = now.path("fine_tuned_model").asString();
        out.printf(
            Locale.ROOT,
            "  %s is served, %.0f s after its rows were sent.%n",
            model,
            (System.nanoTime() - begin) / 1e9);
        return model;
      }
      if (status.equals("failed") || status.equals("cancelled")) {
        throw new IOException(
            "job " + id + " " + status + ": " + now.path("error").path("message").asString(""));
      }
      if (System.nanoTime() - begin > LIMIT.toNanos()) {
        throw new IOException("job " + id + ": " + status + " after " + LIMIT.toMinutes() + " min");
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** New events in the order in which they happened. */
  private void tellEvents(String id) throws IOException, InterruptedException {
    JsonNode events = client.get("/v1/fine_tuning/jobs/" + id + "/events?limit=100").path("data");
    for (int i = events.size() - 1; i >= 0; i--) {
      JsonNode event = events.get(i);
      String message = event.path("message").asString();
      Matcher step = STEP.matcher(message);
      boolean minor = step.matches() && Integer.parseInt(step.group(1)) % STEPS_TOLD_EVERY != 0;
      if (told.add(event.path("id").asString()) && !minor) {
        out.println("    " + message);
      }
    }
  }
}
