package dev.openlora.server.openai;

import dev.openlora.server.finetuning.AdapterShape;
import dev.openlora.server.finetuning.Hyperparameters;
import dev.openlora.server.finetuning.JobRequest;
import dev.openlora.server.http.ApiException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * From the body of {@code POST /v1/fine_tuning/jobs} to a request. Unlike elsewhere, a field that
 * nobody knows is refused by name: a misspelt hyperparameter would cost hours.
 */
final class FineTuningRequests {
  private static final String AUTO = "auto";
  private static final int SUFFIX_CHARACTERS_MAX = 64;
  private static final int METADATA_MAX = 16;
  private static final int KEY_CHARACTERS_MAX = 64;
  private static final int VALUE_CHARACTERS_MAX = 512;
  private static final int MODULES_MAX = 64;

  private static final Set<String> JOB =
      Set.of(
          "model",
          "training_file",
          "validation_file",
          "suffix",
          "seed",
          "hyperparameters",
          "method",
          "metadata",
          "integrations",
          "openlora");
  private static final Set<String> METHOD = Set.of("type", "supervised");
  private static final Set<String> HYPERPARAMETERS =
      Set.of("n_epochs", "batch_size", "learning_rate_multiplier");
  private static final Set<String> SHAPE =
      Set.of("r", "lora_alpha", "use_dora", "use_rslora", "target_modules");

  private FineTuningRequests() {}

  static JobRequest read(ObjectNode body) throws ApiException {
    Fields fields = new Fields(body);
    JsonNode integrations = fields.value("integrations");
    if (integrations != null && !(integrations.isArray() && integrations.isEmpty())) {
      throw ApiException.badRequest(
          "integrations", "integrations are not supported by this server.");
    }
    refuseOthers(body, "", JOB);
    String training = fields.string("training_file");
    if (training == null || training.isEmpty()) {
      throw ApiException.badRequest(
          "training_file", "training_file must be the id of an uploaded file, got nothing.");
    }
    return new JobRequest(
        training,
        fields.string("validation_file"),
        suffix(fields),
        fields.integer("seed", Bounds.closed(0, Integer.MAX_VALUE)),
        hyperparameters(fields),
        shape(fields),
        metadata(fields));
  }

  private static @Nullable String suffix(Fields fields) throws ApiException {
    String suffix = fields.string("suffix");
    if (suffix != null && !suffix.matches("[A-Za-z0-9._-]{1," + SUFFIX_CHARACTERS_MAX + "}")) {
      throw ApiException.badRequest(
          "suffix",
          "suffix must be 1 to "
              + SUFFIX_CHARACTERS_MAX
              + " of A-Z a-z 0-9 . _ -, got "
              + Fields.shown(value(fields, "suffix"))
              + ".");
    }
    return suffix;
  }

  private static Hyperparameters hyperparameters(Fields fields) throws ApiException {
    Fields outer = object(fields, "hyperparameters", HYPERPARAMETERS);
    Fields method = object(fields, "method", METHOD);
    Fields supervised = null;
    if (method != null) {
      String type = method.string("type");
      if (!"supervised".equals(type)) {
        throw ApiException.badRequest(
            "method.type",
            "method.type must be supervised, got "
                + (type == null ? "nothing" : Fields.shown(value(method, "type")))
                + ".");
      }
      supervised = object(method, "supervised", Set.of("hyperparameters"));
    }
    Fields inner =
        supervised == null ? null : object(supervised, "hyperparameters", HYPERPARAMETERS);
    if (outer != null && inner != null) {
      throw ApiException.badRequest(
          "hyperparameters",
          "hyperparameters must be given once, got method.supervised.hyperparameters too.");
    }
    Fields given = inner == null ? outer : inner;
    return given == null
        ? Hyperparameters.AUTO
        : new Hyperparameters(
            isAuto(given, "n_epochs") ? null : given.integer("n_epochs", Bounds.closed(1, 10_000)),
            isAuto(given, "batch_size")
                ? null
                : given.integer("batch_size", Bounds.closed(1, 4096)),
            isAuto(given, "learning_rate_multiplier")
                ? null
                : positive(given, "learning_rate_multiplier", 1000));
  }

  private static AdapterShape shape(Fields fields) throws ApiException {
    Fields own = object(fields, "openlora", Set.of("adapter_config"));
    Fields config = own == null ? null : object(own, "adapter_config", SHAPE);
    if (config == null) {
      return AdapterShape.AUTO;
    }
    List<String> modules = config.strings("target_modules", MODULES_MAX);
    for (String module : modules) {
      if (!module.matches("[A-Za-z0-9._-]{1,100}")) {
        throw ApiException.badRequest(
            config.path("target_modules"),
            config.path("target_modules") + " must be names of modules, got an odd one.");
      }
    }
    if (new HashSet<>(modules).size() != modules.size()) {
      throw ApiException.badRequest(
          config.path("target_modules"),
          config.path("target_modules") + " must name each module once.");
    }
    return new AdapterShape(
        config.integer("r", Bounds.closed(1, 1024)),
        config.has("lora_alpha") ? positive(config, "lora_alpha", 65_536) : null,
        config.has("use_dora") ? config.flag("use_dora", false) : null,
        config.has("use_rslora") ? config.flag("use_rslora", false) : null,
        modules);
  }

  private static Map<String, String> metadata(Fields fields) throws ApiException {
    JsonNode value = fields.value("metadata");
    Map<String, String> metadata = new LinkedHashMap<>();
    if (value == null) {
      return metadata;
    }
    if (!value.isObject()) {
      throw Fields.wrong("metadata", "an object", value);
    }
    if (value.size() > METADATA_MAX) {
      throw ApiException.badRequest(
          "metadata",
          "metadata must have at most " + METADATA_MAX + " entries, got " + value.size() + ".");
    }
    for (var entry : value.properties()) {
      String text = Fields.string("metadata", entry.getValue());
      if (entry.getKey().length() > KEY_CHARACTERS_MAX || text.length() > VALUE_CHARACTERS_MAX) {
        throw ApiException.badRequest(
            "metadata",
            "metadata must have keys of at most "
                + KEY_CHARACTERS_MAX
                + " characters and values of at most "
                + VALUE_CHARACTERS_MAX
                + ".");
      }
      metadata.put(entry.getKey(), text);
    }
    return metadata;
  }

  /** An object all of whose fields are known; null when it is absent. */
  private static @Nullable Fields object(Fields fields, String name, Set<String> known)
      throws ApiException {
    Fields inner = fields.object(name);
    if (inner != null) {
      refuseOthers((ObjectNode) value(fields, name), fields.path(name) + ".", known);
    }
    return inner;
  }

  private static void refuseOthers(ObjectNode object, String prefix, Set<String> known)
      throws ApiException {
    for (var entry : object.properties()) {
      if (!known.contains(entry.getKey()) && !entry.getValue().isNull()) {
        String key = entry.getKey();
        String path = prefix + key.substring(0, Math.min(key.length(), 100));
        throw ApiException.badRequest(
            path,
            path
                + " is not supported by this server (expected: "
                + String.join(", ", new TreeSet<>(known))
                + ").");
      }
    }
  }

  private static boolean isAuto(Fields fields, String name) {
    JsonNode value = fields.value(name);
    return value == null || (value.isString() && value.stringValue().equals(AUTO));
  }

  private static double positive(Fields fields, String name, double max) throws ApiException {
    return fields.decimal(name, 1, Bounds.above(0, max));
  }

  private static JsonNode value(Fields fields, String name) {
    JsonNode value = fields.value(name);
    return value == null ? NullNode.getInstance() : value;
  }
}
