package dev.openlora.server.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The values of all settings and where each came from: defaults, under a YAML file, under the
 * environment, under flags. Every value is checked against its setting as it enters. One thread.
 */
public final class LayeredConfig {
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Map<String, Object> values = new LinkedHashMap<>();
  private final Map<String, String> origins = new LinkedHashMap<>();

  public LayeredConfig() {
    for (Setting setting : Settings.ALL) {
      if (setting.fallback() != null) {
        values.put(setting.key(), setting.fallback());
      }
      origins.put(setting.key(), "default");
    }
  }

  /** Lays a YAML file over what is there. A key that no setting has is refused by its path. */
  public LayeredConfig withFile(Path file) {
    JsonNode tree;
    try {
      tree = YAML.readTree(Files.readString(file));
    } catch (IOException e) {
      throw new ConfigException("--config: cannot read '" + file + "': " + reason(e));
    } catch (JacksonException e) {
      throw new ConfigException("--config: '" + file + "' is not YAML: " + firstLine(e));
    }
    if (tree.isMissingNode() || tree.isNull()) {
      return this;
    }
    if (!tree.isObject()) {
      throw new ConfigException("--config: '" + file + "' (expected: a mapping of sections)");
    }
    overlay("", tree, file.toString());
    return this;
  }

  /** Lays over what the environment sets. */
  public LayeredConfig withEnvironment(Map<String, String> environment) {
    for (Setting setting : Settings.ALL) {
      String variable = setting.environment();
      String value = variable == null ? null : environment.get(variable);
      if (value != null && !value.isBlank()) {
        set(setting, value, String.valueOf(variable));
      }
    }
    return this;
  }

  /** Lays one flag over what is there; {@code value} as the setting keeps it. */
  LayeredConfig withFlag(Setting setting, Object value) {
    set(setting, value, setting.flag());
    return this;
  }

  private void overlay(String prefix, JsonNode section, String origin) {
    for (Map.Entry<String, JsonNode> entry : section.properties()) {
      String key = prefix + entry.getKey();
      JsonNode node = entry.getValue();
      Optional<Setting> setting = Settings.byKey(key);
      if (setting.isPresent()) {
        if (!node.isNull()) {
          set(setting.get(), plain(node, key, origin), origin);
        }
      } else if (node.isObject() && !knownUnder(key + ".").isEmpty()) {
        overlay(key + ".", node, origin);
      } else if (!knownUnder(key + ".").isEmpty()) {
        throw new ConfigException(key + ": a single value in " + origin + " (expected: a mapping)");
      } else {
        throw new ConfigException(
            key
                + ": unknown key in "
                + origin
                + " (known here: "
                + String.join(", ", knownUnder(prefix))
                + ")");
      }
    }
  }

  private static List<String> knownUnder(String prefix) {
    return Settings.ALL.stream()
        .map(Setting::key)
        .filter(key -> key.startsWith(prefix))
        .map(key -> key.substring(prefix.length()).replaceFirst("\\..*", ""))
        .distinct()
        .toList();
  }

  private static Object plain(JsonNode node, String key, String origin) {
    if (node.isString()) {
      return node.stringValue();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isInt()) {
      return node.intValue();
    }
    if (node.isArray()) {
      List<Object> items = new ArrayList<>();
      for (JsonNode item : node) {
        items.add(plain(item, key, origin));
      }
      return items;
    }
    throw new ConfigException(
        key + ": what " + origin + " has here is no text, whole number, switch or list of these");
  }

  private void set(Setting setting, Object value, String origin) {
    values.put(setting.key(), setting.checked(value, origin));
    origins.put(setting.key(), origin);
  }

  String text(String key) {
    return (String) Objects.requireNonNull(values.get(key), key);
  }

  @Nullable String optionalText(String key) {
    return (String) values.get(key);
  }

  @Nullable Path optionalPath(String key) {
    String text = optionalText(key);
    return text == null ? null : Path.of(text);
  }

  int number(String key) {
    return (Integer) Objects.requireNonNull(values.get(key), key);
  }

  boolean on(String key) {
    return (Boolean) Objects.requireNonNull(values.get(key), key);
  }

  List<String> list(String key) {
    List<?> items = (List<?>) Objects.requireNonNull(values.get(key), key);
    return items.stream().map(Object::toString).toList();
  }

  /** The effective values as a YAML file, secrets masked, each line with where it came from. */
  public String toYaml() {
    StringBuilder out = new StringBuilder();
    String section = "";
    for (Setting setting : Settings.ALL) {
      int dot = setting.key().indexOf('.');
      if (!setting.key().substring(0, dot).equals(section)) {
        section = setting.key().substring(0, dot);
        out.append(section).append(":\n");
      }
      String line =
          "  "
              + setting.key().substring(dot + 1)
              + ": "
              + shown(setting, values.get(setting.key()));
      out.append(String.format("%-44s # %s%n", line, origins.get(setting.key())));
    }
    return out.toString();
  }

  private static String shown(Setting setting, @Nullable Object value) {
    return switch (value) {
      case null -> "null";
      case List<?> items ->
          items.stream()
              .map(item -> setting.secret() ? "\"***\"" : quoted(item.toString()))
              .collect(Collectors.joining(", ", "[", "]"));
      case String text -> setting.secret() ? "\"***\"" : quoted(text);
      default -> value.toString();
    };
  }

  private static String quoted(String text) {
    boolean plain =
        text.matches("[A-Za-z/][A-Za-z0-9_./:-]*")
            && !text.endsWith(":")
            && !text.matches("(?i)true|false|yes|no|on|off|null|y|n");
    return plain ? text : "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException missing -> "no such file";
      case java.nio.file.AccessDeniedException denied -> "permission denied";
      default -> String.valueOf(e.getMessage());
    };
  }

  private static String firstLine(JacksonException e) {
    String message = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
    return message + (e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")");
  }
}
