package dev.openlora.adapter;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
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
import tools.jackson.databind.node.ObjectNode;

/**
 * The object of an {@code adapter_config.json} from an untrusted folder, read key by key. A value
 * of the wrong type is refused with its key; so is a key that stands twice. Absent and null are
 * one.
 */
final class ConfigJson {
  static final String FILE = "adapter_config.json";
  static final int MAX_BYTES = 1 << 20;
  private static final int MAX_ENTRIES = 10_000;
  private static final int MAX_TEXT = 10_000;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(16)
                          .maxNumberLength(100)
                          .maxNameLength(MAX_TEXT)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode root;

  private ConfigJson(JsonNode root) {
    this.root = root;
  }

  static ConfigJson read(byte[] bytes) throws AdapterException {
    if (bytes.length > MAX_BYTES) {
      throw Refusal.invalid(FILE, bytes.length + " bytes (expected: at most " + MAX_BYTES + ")");
    }
    JsonNode root;
    try {
      root = MAPPER.readTree(bytes);
    } catch (JacksonException e) {
      throw Refusal.invalid(FILE, "no valid JSON: " + Refusal.shown(e.getOriginalMessage()));
    }
    if (!root.isObject()) {
      throw Refusal.invalid(FILE, "a JSON " + kind(root) + " (expected: an object)");
    }
    return new ConfigJson(root);
  }

  Set<String> keys() {
    return new LinkedHashSet<>(root.propertyNames());
  }

  boolean has(String key) {
    return value(key) != null;
  }

  /** Whether a key says nothing: absent, null, false, 0, or empty. */
  boolean isEmpty(String key) {
    JsonNode node = value(key);
    return node == null
        || (node.isBoolean() && !node.booleanValue())
        || (node.isNumber() && node.doubleValue() == 0)
        || (node.isString() && node.stringValue().isEmpty())
        || (node.isContainer() && node.isEmpty());
  }

  /** A copy of the whole object, to be changed. */
  ObjectNode copy() {
    return ((ObjectNode) root).deepCopy();
  }

  /** A value as it may be quoted in a message. */
  String quote(String key) {
    JsonNode node = value(key);
    return node == null ? "null" : Refusal.shown(node.toString());
  }

  boolean flag(String key) throws AdapterException {
    JsonNode node = value(key);
    if (node == null) {
      return false;
    }
    if (!node.isBoolean()) {
      throw wrong(key, node, "true or false");
    }
    return node.booleanValue();
  }

  boolean isText(String key) {
    JsonNode node = value(key);
    return node != null && node.isString();
  }

  boolean isFlag(String key) {
    JsonNode node = value(key);
    return node != null && node.isBoolean();
  }

  boolean isObject(String key) {
    JsonNode node = value(key);
    return node != null && node.isObject();
  }

  boolean isInteger(String key) {
    JsonNode node = value(key);
    return node != null && node.isIntegralNumber();
  }

  @Nullable String text(String key) throws AdapterException {
    JsonNode node = value(key);
    return node == null ? null : text(key, node);
  }

  int integer(String key, int whenAbsent) throws AdapterException {
    JsonNode node = root.get(key);
    return node == null ? whenAbsent : integer(key, node);
  }

  double number(String key, double whenAbsent) throws AdapterException {
    JsonNode node = root.get(key);
    return node == null ? whenAbsent : number(key, node);
  }

  List<String> texts(String key) throws AdapterException {
    List<String> all = new ArrayList<>();
    for (JsonNode node : list(key, value(key))) {
      all.add(text(key, node));
    }
    return all;
  }

  int[] integers(String key) throws AdapterException {
    return integers(key, value(key));
  }

  /** Name to number, in the order of the file. */
  Map<String, Double> numbers(String key) throws AdapterException {
    Map<String, Double> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : entries(key)) {
      all.put(entry.getKey(), number(key + "." + entry.getKey(), entry.getValue()));
    }
    return all;
  }

  /** Name to list of ids, in the order of the file. */
  Map<String, int[]> integerLists(String key) throws AdapterException {
    Map<String, int[]> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : entries(key)) {
      all.put(entry.getKey(), integers(key + "." + entry.getKey(), entry.getValue()));
    }
    return all;
  }

  private Set<Map.Entry<String, JsonNode>> entries(String key) throws AdapterException {
    JsonNode node = value(key);
    if (node == null) {
      return Set.of();
    }
    if (!node.isObject()) {
      throw wrong(key, node, "an object");
    }
    if (node.size() > MAX_ENTRIES) {
      throw Refusal.invalid(key, node.size() + " entries (expected: at most " + MAX_ENTRIES + ")");
    }
    return node.properties();
  }

  private int[] integers(String key, @Nullable JsonNode node) throws AdapterException {
    Iterable<JsonNode> nodes = list(key, node);
    List<Integer> all = new ArrayList<>();
    for (JsonNode one : nodes) {
      all.add(integer(key, one));
    }
    return all.stream().mapToInt(Integer::intValue).toArray();
  }

  private static Iterable<JsonNode> list(String key, @Nullable JsonNode node)
      throws AdapterException {
    if (node == null) {
      return List.of();
    }
    if (!node.isArray()) {
      throw wrong(key, node, "a list");
    }
    if (node.size() > MAX_ENTRIES) {
      throw Refusal.invalid(key, node.size() + " entries (expected: at most " + MAX_ENTRIES + ")");
    }
    return node.values();
  }

  private static String text(String key, JsonNode node) throws AdapterException {
    if (!node.isString()) {
      throw wrong(key, node, "text");
    }
    if (node.stringValue().length() > MAX_TEXT) {
      throw Refusal.invalid(
          key, node.stringValue().length() + " characters (expected: at most " + MAX_TEXT + ")");
    }
    return node.stringValue();
  }

  private static int integer(String key, JsonNode node) throws AdapterException {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrong(key, node, "an integer");
    }
    return node.intValue();
  }

  private static double number(String key, JsonNode node) throws AdapterException {
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw wrong(key, node, "a finite number");
    }
    return node.doubleValue();
  }

  private @Nullable JsonNode value(String key) {
    JsonNode node = root.get(key);
    return node == null || node.isNull() ? null : node;
  }

  private static AdapterException wrong(String key, JsonNode node, String expected) {
    return Refusal.invalid(key, Refusal.shown(node.toString()) + " (expected: " + expected + ")");
  }

  private static String kind(JsonNode node) {
    return node.isMissingNode()
        ? "file without content"
        : node.getNodeType().name().toLowerCase(Locale.ROOT);
  }
}
