package dev.openlora.server.finetuning;

import dev.openlora.server.http.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A job as its file has it: every field under its own name, null when there is none. */
final class JobJson {
  private JobJson() {}

  static byte[] write(Job job) {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("id", job.id());
    json.put("created_millis", job.createdMillis());
    json.put("base", job.base());
    json.put("model_name", job.modelName());
    json.put("training_file", job.spec().trainingFile());
    json.put("validation_file", job.spec().validationFile());
    json.put("seed", job.spec().seed());
    json.put("epochs", job.spec().hyperparameters().epochs());
    json.put("batch_size", job.spec().hyperparameters().batchSize());
    json.put("learning_rate_multiplier", job.spec().hyperparameters().learningRateMultiplier());
    AdapterShape shape = job.spec().shape();
    json.put("rank", shape.rank());
    json.put("alpha", shape.alpha());
    json.put("dora", shape.dora());
    json.put("rs_lora", shape.rsLora());
    ArrayNode modules = json.putArray("target_modules");
    shape.targetModules().forEach(modules::add);
    ObjectNode metadata = json.putObject("metadata");
    job.spec().metadata().forEach(metadata::put);
    json.put("status", job.status().word());
    json.put("batch_tokens", job.batchTokens());
    json.put("attempts", job.attempts());
    json.put("finished_millis", job.finishedMillis());
    Job.Failure error = job.error();
    if (error != null) {
      json.putObject("error")
          .put("code", error.code())
          .put("param", error.param())
          .put("message", error.message());
    }
    json.put("trained_tokens", job.trainedTokens());
    json.put("adapter_sha256", job.adapterSha256());
    ArrayNode results = json.putArray("result_files");
    job.resultFiles().forEach(results::add);
    ArrayNode checkpoints = json.putArray("checkpoints");
    for (Checkpoint checkpoint : job.checkpoints()) {
      checkpoints
          .addObject()
          .put("id", checkpoint.id())
          .put("created_millis", checkpoint.createdMillis())
          .put("step", checkpoint.step())
          .put("train_loss", checkpoint.trainLoss())
          .put("validation_loss", checkpoint.validationLoss());
    }
    return Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json);
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IllegalArgumentException names what is missing or wrong
   * @throws tools.jackson.core.JacksonException when it is no JSON
   */
  static Job read(byte[] bytes) {
    JsonNode json = Json.MAPPER.readTree(bytes);
    List<Checkpoint> checkpoints = new ArrayList<>();
    for (JsonNode each : required(json, "checkpoints")) {
      checkpoints.add(
          new Checkpoint(
              text(each, "id"),
              required(each, "created_millis").longValue(),
              required(each, "step").intValue(),
              real(each, "train_loss"),
              real(each, "validation_loss")));
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    required(json, "metadata")
        .properties()
        .forEach(entry -> metadata.put(entry.getKey(), entry.getValue().stringValue()));
    JsonNode error = optional(json, "error");
    return new Job(
        text(json, "id"),
        required(json, "created_millis").longValue(),
        text(json, "base"),
        text(json, "model_name"),
        new Job.Spec(
            text(json, "training_file"),
            optionalText(json, "validation_file"),
            required(json, "seed").intValue(),
            new Hyperparameters(
                integer(json, "epochs"),
                integer(json, "batch_size"),
                real(json, "learning_rate_multiplier")),
            new AdapterShape(
                integer(json, "rank"),
                real(json, "alpha"),
                flag(json, "dora"),
                flag(json, "rs_lora"),
                texts(json, "target_modules")),
            metadata),
        Job.Status.of(text(json, "status")),
        integer(json, "batch_tokens"),
        required(json, "attempts").intValue(),
        wide(json, "finished_millis"),
        error == null
            ? null
            : new Job.Failure(
                text(error, "code"), optionalText(error, "param"), text(error, "message")),
        wide(json, "trained_tokens"),
        optionalText(json, "adapter_sha256"),
        texts(json, "result_files"),
        checkpoints);
  }

  private static JsonNode required(JsonNode json, String name) {
    JsonNode value = optional(json, name);
    if (value == null) {
      throw new IllegalArgumentException(name + ": missing");
    }
    return value;
  }

  private static @Nullable JsonNode optional(JsonNode json, String name) {
    JsonNode value = json.get(name);
    return value == null || value.isNull() ? null : value;
  }

  private static String text(JsonNode json, String name) {
    JsonNode value = required(json, name);
    if (!value.isString()) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: text)");
    }
    return value.stringValue();
  }

  private static @Nullable String optionalText(JsonNode json, String name) {
    return optional(json, name) == null ? null : text(json, name);
  }

  private static @Nullable Integer integer(JsonNode json, String name) {
    JsonNode value = optional(json, name);
    return value == null ? null : value.intValue();
  }

  private static @Nullable Long wide(JsonNode json, String name) {
    JsonNode value = optional(json, name);
    return value == null ? null : value.longValue();
  }

  private static @Nullable Double real(JsonNode json, String name) {
    JsonNode value = optional(json, name);
    return value == null ? null : value.doubleValue();
  }

  private static @Nullable Boolean flag(JsonNode json, String name) {
    JsonNode value = optional(json, name);
    return value == null ? null : value.booleanValue();
  }

  private static List<String> texts(JsonNode json, String name) {
    List<String> texts = new ArrayList<>();
    required(json, name).forEach(each -> texts.add(each.stringValue()));
    return texts;
  }
}
