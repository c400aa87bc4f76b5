package dev.openlora.bench.load;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A server to compare with, as its option names it. Immutable. */
record Peer(String name, Endpoint.Address address) {
  static final String FORM = "NAME=URL[,target=openai|llama][,model=NAME][,key=KEY]";

  private static final Pattern BEGIN = Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]{0,31})=(.+)");

  /**
   * @throws IllegalArgumentException for another text than {@link #FORM}
   */
  static Peer parse(String option, String text) {
    Matcher begin = BEGIN.matcher(text);
    if (!begin.matches()) {
      throw new IllegalArgumentException(option + ": '" + text + "' (expected: " + FORM + ")");
    }
    String[] parts = begin.group(2).split(",", -1);
    Dialect dialect = Dialect.OPENAI;
    @Nullable String model = null;
    @Nullable String key = null;
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      String value = parts[i].substring(equals + 1);
      switch (parts[i].substring(0, Math.max(0, equals))) {
        case "target" -> dialect = Dialect.of(option, value);
        case "model" -> model = value;
        case "key" -> key = value;
        default ->
            throw new IllegalArgumentException(
                option + ": '" + parts[i] + "' (expected: " + FORM + ")");
      }
    }
    return new Peer(
        begin.group(1),
        new Endpoint.Address(Endpoint.Address.uri(option, parts[0]), dialect, key, model));
  }
}
