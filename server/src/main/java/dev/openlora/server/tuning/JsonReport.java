package dev.openlora.server.tuning;

import java.io.PrintStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * An object a line, for programs. A number that is none (an unknown time, no step done) is null.
 * Warnings and a cancellation, which is told by the exit status, go to the other stream.
 */
final class JsonReport implements TuningReport {
  private final PrintStream out;
  private final PrintStream err;

  JsonReport(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public void on(TuningEvent event) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    switch (event) {
      case TuningEvent.Started started ->
          json.put("event", "started")
              .put("steps", started.steps())
              .put("examples", started.examples())
              .put("held_out", started.heldOut())
              .put("learned_tokens", started.learnedTokens());
      case TuningEvent.Step step ->
          json.put("event", "step")
              .put("step", step.step())
              .put("steps", step.steps())
              .put("epoch", finite(rounded(step.epoch(), 1e6)))
              .put("loss", finite(step.loss()))
              .put("learning_rate", finite(step.learningRate()))
              .put("gradient_norm", finite(step.gradientNorm()))
              .put("tokens_per_second", finite(rounded(step.tokensPerSecond(), 10)))
              .put("eta_seconds", finite(rounded(step.etaSeconds(), 10)));
      case TuningEvent.Evaluated evaluated ->
          json.put("event", "evaluated")
              .put("step", evaluated.step())
              .put("loss", finite(evaluated.loss()))
              .put("perplexity", finite(evaluated.perplexity()));
      case TuningEvent.Checkpoint checkpoint ->
          json.put("event", "checkpoint")
              .put("step", checkpoint.step())
              .put("folder", checkpoint.folder().toString());
      case TuningEvent.Done done ->
          json.put("event", "done")
              .put("adapter", done.output().toString())
              .put("sha256", done.sha256())
              .put("loss", finite(done.loss()))
              .put("held_out_loss", done.heldOutLoss())
              .put("trained_tokens", done.trainedTokens());
      case TuningEvent.Failed failed ->
          json.put("event", "failed").put("message", failed.message());
      case TuningEvent.Warning _, TuningEvent.Cancelled _ -> {
        err.println("openlora: " + PlainReport.sentence(event));
        return;
      }
    }
    out.println(json);
    out.flush();
  }

  private static double rounded(double value, double parts) {
    return Double.isFinite(value) ? Math.rint(value * parts) / parts : value;
  }

  private static @Nullable Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }

  @Override
  public void close() {
    out.flush();
  }
}
