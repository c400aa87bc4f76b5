package dev.openlora.attribution.lineage;

import dev.openlora.attribution.lineage.Lineage.Base;
import dev.openlora.attribution.lineage.Lineage.Rows;
import dev.openlora.attribution.lineage.Lineage.Software;
import dev.openlora.attribution.lineage.Lineage.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A {@link Lineage} as JSON. Unknown, missing and doubled keys are refused. */
final class LineageJson {
  private static final int DEPTH_MAX = 16;
  private static final int NAMES_MAX = 1_000;
  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(DEPTH_MAX)
                          .maxNumberLength(80)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private LineageJson() {}

  static String write(Lineage lineage) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("format", Lineage.FORMAT);
    Base base = lineage.base();
    if (base != null) {
      json.putObject("base").put("name", base.name()).put("sha256", base.sha256());
    }
    ArrayNode sources = json.putArray("sources");
    for (Source source : lineage.sources()) {
      ObjectNode to = sources.addObject().put("rows", source.rows());
      switch (source) {
        case Source.Datanet datanet ->
            to.put("kind", "datanet")
                .put("name", datanet.name())
                .put("version", datanet.version())
                .put("manifest_sha256", datanet.manifestSha256())
                .put("root", datanet.root());
        case Source.PlainFile file ->
            to.put("kind", "file").put("name", file.name()).put("sha256", file.sha256());
        case Source.Generated generated ->
            to.put("kind", "generated").put("name", generated.name()).put("seed", generated.seed());
      }
    }
    rows(json.putObject("training"), lineage.training());
    rows(json.putObject("held_out"), lineage.heldOut());
    if (lineage.adapterConfig() != null) {
      json.set("adapter_config", lineage.adapterConfig());
    }
    json.set("hyperparameters", lineage.hyperparameters());
    json.put("seed", lineage.seed());
    json.set("metrics", lineage.metrics());
    ObjectNode software = json.putObject("software").put("version", lineage.software().version());
    if (lineage.software().commit() != null) {
      software.put("commit", lineage.software().commit());
    }
    json.put("cpu", lineage.cpu());
    json.put("content_sha256", lineage.contentSha256());
    return CanonicalJson.write(json);
  }

  private static void rows(ObjectNode to, Rows rows) {
    to.put("rows", rows.count()).put("root", rows.root());
  }

  static Lineage parse(String text) {
    JsonNode tree;
    try {
      tree = MAPPER.readTree(text);
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "no valid JSON: " + Lineage.shown(String.valueOf(e.getOriginalMessage())), e);
    }
    Fields json = Fields.of("", tree);
    json.only(
        Set.of(
            "format",
            "base",
            "sources",
            "training",
            "held_out",
            "adapter_config",
            "hyperparameters",
            "seed",
            "metrics",
            "software",
            "cpu",
            "content_sha256"));
    String format = json.text("format");
    if (!format.equals(Lineage.FORMAT)) {
      throw new IllegalArgumentException(
          "format: '" + Lineage.shown(format) + "' (expected: " + Lineage.FORMAT + ")");
    }
    ObjectNode adapterConfig = json.has("adapter_config") ? json.object("adapter_config") : null;
    if (adapterConfig != null) {
      CanonicalJson.write(adapterConfig);
    }
    return new Lineage(
        json.has("base") ? base(json.fields("base")) : null,
        sources(json),
        rows(json.fields("training")),
        rows(json.fields("held_out")),
        adapterConfig,
        json.object("hyperparameters"),
        json.integer("seed"),
        json.object("metrics"),
        software(json.fields("software")),
        json.text("cpu"),
        json.text("content_sha256"));
  }

  private static Base base(Fields json) {
    json.only(Set.of("name", "sha256"));
    return new Base(json.text("name"), json.text("sha256"));
  }

  private static Software software(Fields json) {
    json.only(Set.of("version", "commit"));
    return new Software(json.text("version"), json.has("commit") ? json.text("commit") : null);
  }

  private static Rows rows(Fields json) {
    json.only(Set.of("rows", "root"));
    long count = json.integer("rows");
    String root = json.text("root");
    try {
      return new Rows(count, root);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(json.path() + e.getMessage(), e);
    }
  }

  private static List<Source> sources(Fields json) {
    JsonNode list = json.node("sources");
    if (!list.isArray()) {
      throw wrong("sources", list, "a list");
    }
    List<Source> sources = new ArrayList<>();
    for (JsonNode node : list) {
      Fields source = Fields.of("sources.", node);
      String kind = source.text("kind");
      sources.add(
          switch (kind) {
            case "datanet" -> {
              source.only(Set.of("kind", "name", "version", "manifest_sha256", "root", "rows"));
              yield new Source.Datanet(
                  source.text("name"),
                  Math.clamp(source.integer("version"), 0, Integer.MAX_VALUE),
                  source.text("manifest_sha256"),
                  source.text("root"),
                  source.integer("rows"));
            }
            case "file" -> {
              source.only(Set.of("kind", "name", "sha256", "rows"));
              yield new Source.PlainFile(
                  source.text("name"), source.text("sha256"), source.integer("rows"));
            }
            case "generated" -> {
              source.only(Set.of("kind", "name", "seed", "rows"));
              yield new Source.Generated(
                  source.text("name"), source.integer("seed"), source.integer("rows"));
            }
            default ->
                throw new IllegalArgumentException(
                    "sources.kind: '"
                        + Lineage.shown(kind)
                        + "' (expected: datanet, file or generated)");
          });
    }
    return sources;
  }

  static void checkScalars(String field, ObjectNode values) {
    check(field, values, false);
  }

  static void checkNumbers(String field, ObjectNode values) {
    check(field, values, true);
  }

  private static void check(String field, ObjectNode values, boolean numbersOnly) {
    if (values.size() > NAMES_MAX) {
      throw new IllegalArgumentException(
          field + ": " + values.size() + " names (expected: at most " + NAMES_MAX + ")");
    }
    for (Map.Entry<String, JsonNode> entry : values.properties()) {
      if (!entry.getKey().matches("[a-z][a-z0-9_]{0,63}")) {
        throw new IllegalArgumentException(
            field
                + ": the name '"
                + Lineage.shown(entry.getKey())
                + "' (expected: at most 64 of a-z 0-9 _, a letter first)");
      }
      String name = field + "." + entry.getKey();
      JsonNode value = entry.getValue();
      if (value.isNumber()) {
        try {
          CanonicalJson.number(value);
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
        }
      } else if (numbersOnly) {
        throw wrong(name, value, "a number");
      } else if (value.isString()) {
        Lineage.checkText(name, value.stringValue());
      } else if (!value.isBoolean()) {
        throw wrong(name, value, "a number, a text or a flag");
      }
    }
  }

  /** An object of the file, with the path to it for messages. */
  private record Fields(String path, ObjectNode json) {
    static Fields of(String path, JsonNode node) {
      if (node instanceof ObjectNode object) {
        return new Fields(path, object);
      }
      String name = path.isEmpty() ? "lineage" : path.substring(0, path.length() - 1);
      throw wrong(name, node, "an object");
    }

    void only(Set<String> known) {
      for (String key : json.propertyNames()) {
        if (!known.contains(key)) {
          throw new IllegalArgumentException(
              path
                  + Lineage.shown(key)
                  + ": an unknown key (expected: "
                  + String.join(", ", known.stream().sorted().toList())
                  + ")");
        }
      }
    }

    boolean has(String key) {
      return json.has(key);
    }

    JsonNode node(String key) {
      JsonNode node = json.get(key);
      if (node == null) {
        throw new IllegalArgumentException(path + key + ": missing (expected: a value)");
      }
      return node;
    }

    Fields fields(String key) {
      return of(path + key + ".", node(key));
    }

    ObjectNode object(String key) {
      return fields(key).json();
    }

    String text(String key) {
      JsonNode node = node(key);
      if (!node.isString()) {
        throw wrong(path + key, node, "a text");
      }
      return node.stringValue();
    }

    long integer(String key) {
      JsonNode node = node(key);
      if (!node.isIntegralNumber() || !node.canConvertToLong()) {
        throw wrong(path + key, node, "an integer");
      }
      return node.longValue();
    }
  }

  private static IllegalArgumentException wrong(
      String field, @Nullable JsonNode node, String expected) {
    String came =
        node == null || node.isContainer()
            ? String.valueOf(node == null ? null : node.getNodeType()).toLowerCase(Locale.ROOT)
            : Lineage.shown(node.toString());
    return new IllegalArgumentException(field + ": " + came + " (expected: " + expected + ")");
  }
}
