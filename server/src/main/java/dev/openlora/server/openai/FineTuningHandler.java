package dev.openlora.server.openai;

import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.finetuning.AdapterShape;
import dev.openlora.server.finetuning.Checkpoint;
import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.finetuning.FineTuningException;
import dev.openlora.server.finetuning.Hyperparameters;
import dev.openlora.server.finetuning.Job;
import dev.openlora.server.finetuning.JobEvent;
import dev.openlora.server.finetuning.Progress;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Reply;
import dev.openlora.server.http.Request;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/fine_tuning/jobs}, with OpenAI's objects; what is ours is in {@code openlora}. */
final class FineTuningHandler {
  private static final Logger LOG = LoggerFactory.getLogger(FineTuningHandler.class);
  private static final Page.Size JOBS = new Page.Size(100, 20);
  private static final Page.Size EVENTS = new Page.Size(1000, 20);
  private static final Page.Size CHECKPOINTS = new Page.Size(100, 10);

  private final @Nullable FineTuning fineTuning;
  private final String baseId;
  private final AdapterRegistry adapters;

  FineTuningHandler(@Nullable FineTuning fineTuning, String baseId, AdapterRegistry adapters) {
    this.fineTuning = fineTuning;
    this.baseId = baseId;
    this.adapters = adapters;
  }

  /** What is done with a job, by its id. */
  @FunctionalInterface
  private interface Change {
    Job apply(FineTuning fineTuning, String id) throws FineTuningException;
  }

  void create(Exchange exchange) throws ApiException {
    FineTuning to = FineTuningErrors.required(fineTuning);
    ObjectNode body = JsonBody.parse(exchange.request().body());
    checkModel(new Fields(body).string("model"));
    try {
      Job job = to.create(FineTuningRequests.read(body));
      LOG.info("job {} created on {}", job.id(), job.spec().trainingFile());
      reply(exchange, to, job);
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    } catch (IOException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  private void checkModel(@Nullable String model) throws ApiException {
    if (model == null || model.isEmpty()) {
      throw ApiException.badRequest("model", "model must be '" + baseId + "', got nothing.");
    }
    if (model.equals(baseId)) {
      return;
    }
    Optional<AdapterLease> adapter = adapters.acquire(model);
    if (adapter.isPresent()) {
      adapter.get().close();
      throw ApiException.badRequest(
          "model", "model must be the base, '" + baseId + "': adapters are not tuned further.");
    }
    throw ModelSelector.unknown(model, "model");
  }

  void list(Exchange exchange) throws ApiException {
    FineTuning from = FineTuningErrors.required(fineTuning);
    Request request = exchange.request();
    List<Job> jobs = new ArrayList<>(from.list());
    request
        .query()
        .forEach((name, values) -> {
          if (name.startsWith("metadata[") && name.endsWith("]")) {
            String key = name.substring("metadata[".length(), name.length() - 1);
            jobs.removeIf(job -> !values.contains(job.spec().metadata().get(key)));
          }
        });
    exchange.reply(
        Page.of(request, jobs, Job::id, JOBS)
            .reply(Job::id, (json, job) -> write(json, job, from.progress(job.id()))));
  }

  void one(Exchange exchange) throws ApiException {
    change(exchange, FineTuning::get);
  }

  void cancel(Exchange exchange) throws ApiException {
    change(exchange, FineTuning::cancel);
  }

  void pause(Exchange exchange) throws ApiException {
    change(exchange, FineTuning::pause);
  }

  void resume(Exchange exchange) throws ApiException {
    change(exchange, FineTuning::resume);
  }

  void events(Exchange exchange) throws ApiException {
    FineTuning from = FineTuningErrors.required(fineTuning);
    try {
      exchange.reply(
          Page.of(exchange.request(), from.events(exchange.request().id()), JobEvent::id, EVENTS)
              .reply(JobEvent::id, FineTuningHandler::write));
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    } catch (IOException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  void checkpoints(Exchange exchange) throws ApiException {
    Job job = find(exchange);
    exchange.reply(
        Page.of(exchange.request(), job.checkpoints(), Checkpoint::id, CHECKPOINTS)
            .reply(Checkpoint::id, (json, checkpoint) -> write(json, job, checkpoint)));
  }

  private void change(Exchange exchange, Change change) throws ApiException {
    FineTuning of = FineTuningErrors.required(fineTuning);
    try {
      reply(exchange, of, change.apply(of, exchange.request().id()));
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  private Job find(Exchange exchange) throws ApiException {
    try {
      return FineTuningErrors.required(fineTuning).get(exchange.request().id());
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  private static void reply(Exchange exchange, FineTuning from, Job job) {
    Progress progress = from.progress(job.id());
    exchange.reply(Reply.json(json -> write(json, job, progress)));
  }

  private static void write(JsonGenerator json, Job job, Progress progress) {
    boolean succeeded = job.status() == Job.Status.SUCCEEDED;
    json.writeStartObject();
    json.writeStringProperty("id", job.id());
    json.writeStringProperty("object", "fine_tuning.job");
    json.writeNumberProperty("created_at", job.createdMillis() / 1000);
    writeError(json, job.error());
    text(json, "fine_tuned_model", succeeded ? job.modelName() : null);
    number(json, "finished_at", job.finishedMillis() == null ? null : job.finishedMillis() / 1000);
    json.writeName("hyperparameters");
    write(json, job.spec().hyperparameters());
    json.writeStringProperty("model", job.base());
    json.writeStringProperty("organization_id", "openlora");
    json.writeArrayPropertyStart("result_files");
    job.resultFiles().forEach(json::writeString);
    json.writeEndArray();
    json.writeNumberProperty("seed", job.spec().seed());
    json.writeStringProperty("status", job.status().word());
    number(json, "trained_tokens", job.trainedTokens());
    json.writeStringProperty("training_file", job.spec().trainingFile());
    text(json, "validation_file", job.spec().validationFile());
    // A run may outlive its job's status by a moment.
    boolean running = job.status() == Job.Status.RUNNING;
    number(json, "estimated_finish", running ? estimatedFinish(progress) : null);
    json.writeArrayPropertyStart("integrations");
    json.writeEndArray();
    json.writeObjectPropertyStart("metadata");
    job.spec().metadata().forEach(json::writeStringProperty);
    json.writeEndObject();
    json.writeObjectPropertyStart("method");
    json.writeStringProperty("type", "supervised");
    json.writeObjectPropertyStart("supervised");
    json.writeName("hyperparameters");
    write(json, job.spec().hyperparameters());
    json.writeEndObject();
    json.writeEndObject();
    writeOwn(json, job, progress);
    json.writeEndObject();
  }

  private static void writeError(JsonGenerator json, Job.@Nullable Failure error) {
    if (error == null) {
      json.writeNullProperty("error");
      return;
    }
    json.writeObjectPropertyStart("error");
    json.writeStringProperty("code", error.code());
    text(json, "param", error.param());
    json.writeStringProperty("message", error.message());
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Hyperparameters hyperparameters) {
    json.writeStartObject();
    orAuto(json, "n_epochs", hyperparameters.epochs());
    orAuto(json, "batch_size", hyperparameters.batchSize());
    orAuto(json, "learning_rate_multiplier", hyperparameters.learningRateMultiplier());
    json.writeEndObject();
  }

  private static void writeOwn(JsonGenerator json, Job job, Progress progress) {
    json.writeObjectPropertyStart("openlora");
    json.writeNumberProperty("attempts", job.attempts());
    text(json, "adapter_sha256", job.adapterSha256());
    AdapterShape shape = job.spec().shape();
    json.writeObjectPropertyStart("adapter_config");
    orAuto(json, "r", shape.rank());
    orAuto(json, "lora_alpha", shape.alpha());
    orAuto(json, "use_dora", shape.dora());
    orAuto(json, "use_rslora", shape.rsLora());
    orAuto(json, "target_modules", shape.targetModules().isEmpty() ? null : shape.targetModules());
    json.writeEndObject();
    json.writeObjectPropertyStart("progress");
    number(json, "step", progress.step());
    number(json, "steps", progress.steps());
    number(json, "train_loss", progress.loss());
    number(json, "valid_loss", progress.validationLoss());
    number(json, "tokens_per_second", progress.tokensPerSecond());
    number(json, "eta_seconds", progress.secondsLeft());
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, JobEvent event) {
    json.writeStartObject();
    json.writeStringProperty("id", event.id());
    json.writeStringProperty("object", "fine_tuning.job.event");
    json.writeNumberProperty("created_at", event.createdMillis() / 1000);
    json.writeStringProperty("level", event.level().word());
    json.writeStringProperty("message", event.message());
    json.writeStringProperty("type", event.data().isEmpty() ? "message" : "metrics");
    json.writeObjectPropertyStart("data");
    event.data().forEach((name, value) -> number(json, name, value));
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Job job, Checkpoint checkpoint) {
    json.writeStartObject();
    json.writeStringProperty("id", checkpoint.id());
    json.writeStringProperty("object", "fine_tuning.job.checkpoint");
    json.writeNumberProperty("created_at", checkpoint.createdMillis() / 1000);
    json.writeStringProperty(
        "fine_tuned_model_checkpoint", job.modelName() + ":ckpt-step-" + checkpoint.step());
    json.writeStringProperty("fine_tuning_job_id", job.id());
    json.writeNumberProperty("step_number", checkpoint.step());
    json.writeObjectPropertyStart("metrics");
    json.writeNumberProperty("step", checkpoint.step());
    number(json, "train_loss", checkpoint.trainLoss());
    number(json, "valid_loss", checkpoint.validationLoss());
    json.writeEndObject();
    json.writeEndObject();
  }

  private static @Nullable Long estimatedFinish(Progress progress) {
    Double left = progress.secondsLeft();
    return left == null || !Double.isFinite(left)
        ? null
        : System.currentTimeMillis() / 1000 + Math.round(left);
  }

  private static void text(JsonGenerator json, String name, @Nullable String value) {
    if (value == null) {
      json.writeNullProperty(name);
    } else {
      json.writeStringProperty(name, value);
    }
  }

  /** Whole numbers without a point; null for none and for what JSON has no word for. */
  private static void number(JsonGenerator json, String name, @Nullable Number value) {
    if (value == null || !Double.isFinite(value.doubleValue())) {
      json.writeNullProperty(name);
    } else if (value.doubleValue() == value.longValue()) {
      json.writeNumberProperty(name, value.longValue());
    } else {
      json.writeNumberProperty(name, value.doubleValue());
    }
  }

  private static void orAuto(JsonGenerator json, String name, @Nullable Object value) {
    switch (value) {
      case null -> json.writeStringProperty(name, "auto");
      case Number number -> number(json, name, number);
      case Boolean flag -> json.writeBooleanProperty(name, flag);
      default -> json.writePOJOProperty(name, value);
    }
  }
}
