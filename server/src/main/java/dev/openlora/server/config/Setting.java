package dev.openlora.server.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One thing an operator can set: its key in the file, its flag, and its default. Immutable.
 *
 * @param key dotted path in the YAML file
 * @param flag with its dashes; a negatable switch is named without {@code no-}
 * @param fallback the default: String, Integer, Boolean, List of String, or null for none
 * @param placeholder how the help text names the value
 * @param environment a variable that sets it, or null
 * @param secret never printed
 */
record Setting(
    String key,
    String flag,
    Kind kind,
    @Nullable Object fallback,
    String placeholder,
    String description,
    @Nullable String environment,
    boolean secret) {

  /** What a value looks like. */
  enum Kind {
    TEXT("text"),
    NUMBER("a whole number"),
    SWITCH("true or false"),
    LIST("a list of texts");

    private final String expectation;

    Kind(String expectation) {
      this.expectation = expectation;
    }
  }

  static Setting text(String key, String flag, @Nullable String fallback, String hint, String doc) {
    return new Setting(key, flag, Kind.TEXT, fallback, hint, doc, null, false);
  }

  static Setting number(String key, String flag, int fallback, String doc) {
    return new Setting(key, flag, Kind.NUMBER, fallback, "N", doc, null, false);
  }

  static Setting toggle(String key, String flag, boolean fallback, String doc) {
    return new Setting(key, flag, Kind.SWITCH, fallback, "", doc, null, false);
  }

  static Setting list(String key, String flag, String hint, String doc) {
    return new Setting(key, flag, Kind.LIST, List.of(), hint, doc, null, false);
  }

  static Setting secrets(String key, String flag, String environment, String doc) {
    return new Setting(key, flag, Kind.LIST, List.of(), "KEY", doc, environment, true);
  }

  /** The value as this setting keeps it; {@code origin} names where it came from. */
  Object checked(Object value, String origin) {
    return switch (kind) {
      case TEXT ->
          switch (value) {
            case String text -> text;
            // An unquoted number in YAML is still a name or a key.
            case Integer number -> number.toString();
            default -> throw wrong(value, origin);
          };
      case NUMBER -> {
        if (value instanceof Integer number) {
          yield number;
        }
        throw wrong(value, origin);
      }
      case SWITCH -> {
        if (value instanceof Boolean on) {
          yield on;
        }
        throw wrong(value, origin);
      }
      case LIST ->
          switch (value) {
            case String text -> List.of(text);
            case List<?> items -> {
              for (Object item : items) {
                if (!(item instanceof String)) {
                  throw wrong(item, origin);
                }
              }
              yield items.stream().map(Object::toString).toList();
            }
            default -> throw wrong(value, origin);
          };
    };
  }

  private ConfigException wrong(@Nullable Object value, String origin) {
    String shown = secret ? "***" : String.valueOf(value);
    return new ConfigException(
        key + ": '" + shown + "' from " + origin + " (expected: " + kind.expectation + ")");
  }
}
