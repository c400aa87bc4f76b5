package dev.openlora.server.tuning;

import dev.openlora.engine.training.LossHistory;
import dev.openlora.engine.training.TrainingConfig;
import java.math.BigDecimal;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The numbers of a training, for its lineage and for its {@code metrics.json}. */
final class Metrics {
  /** Settings that change when files are written, not what is learned, and the seed's own place. */
  private static final Set<String> ELSEWHERE =
      Set.of("checkpoint_every", "checkpoints_kept", "seed", "longer");

  private Metrics() {}

  static ObjectNode hyperparameters(TrainingConfig config, Computation computation) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    for (Map.Entry<String, String> setting : config.settings().entrySet()) {
      if (!ELSEWHERE.contains(setting.getKey())) {
        json.put(setting.getKey(), new BigDecimal(setting.getValue()));
      }
    }
    json.put("precision", computation.precisionName());
    json.put("threads", computation.threadsUsed());
    return json;
  }

  /** What depends on the training alone. */
  static ObjectNode numbers(TrainingRun.Result result) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("steps", result.step());
    json.put("trained_tokens", result.tokens());
    json.put("loss", result.loss());
    Double heldOut = result.heldOutLoss();
    if (heldOut != null) {
      json.put("held_out_loss", heldOut);
      json.put("held_out_perplexity", Math.exp(heldOut));
    }
    return json;
  }

  /** All numbers, with the losses on the way and how long the last stretch took. */
  static String json(TrainingRun.Result result, Computation computation) {
    ObjectNode json = numbers(result);
    json.put("seconds_since_start_or_resumption", Math.rint(result.seconds() * 10) / 10);
    json.put("cpu", Build.cpu());
    json.put("computation", computation.toString());
    ArrayNode training = json.putArray("training");
    for (LossHistory.Point point : result.history().points()) {
      training
          .addObject()
          .put("step", point.step())
          .put("loss", point.loss())
          .put("learning_rate", point.learningRate());
    }
    ArrayNode heldOut = json.putArray("held_out");
    for (LossHistory.Evaluation evaluation : result.history().evaluations()) {
      heldOut.addObject().put("step", evaluation.step()).put("loss", evaluation.loss());
    }
    return json.toPrettyString() + "\n";
  }
}
