package dev.openlora.attribution.datanet;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What makes up one version of a Datanet. The file says neither when nor where it was made, so that
 * the same rows, added in the same steps, give the same bytes everywhere.
 *
 * @param parent SHA-256 of the manifest before; null in version 1
 * @param root of the {@link RowTree} over all rows
 * @param segments of all rows in order; the parent's come first
 */
record Manifest(
    String name, int version, @Nullable String parent, String root, List<Segment> segments) {
  static final String FOLDER = "versions";
  static final String FORMAT = "openlora-datanet/1";
  static final int VERSIONS_MAX = 10_000;
  static final int BYTES_MAX = 8 << 20;

  private static final Set<String> KEYS =
      Set.of("format", "name", "version", "parent", "root", "rows", "segments");
  private static final Set<String> SEGMENT_KEYS = Set.of("sha256", "rows", "bytes");

  Manifest {
    DatanetReference.checkName(name);
    if (version < 1 || version > VERSIONS_MAX) {
      throw new IllegalArgumentException(
          "version: " + version + " (expected: 1.." + VERSIONS_MAX + ")");
    }
    if ((version == 1) != (parent == null)) {
      throw new IllegalArgumentException(
          "parent: "
              + parent
              + (version == 1 ? " (expected: null in version 1)" : " (expected: a hash)"));
    }
    if (parent != null) {
      Sha256.checked("parent", parent);
    }
    Sha256.checked("root", root);
    segments = List.copyOf(segments);
    if (segments.size() != version) {
      throw new IllegalArgumentException(
          "segments: " + segments.size() + " (expected: " + version + ", one per version)");
    }
  }

  static Path file(Path datanet, int version) {
    return datanet.resolve(FOLDER).resolve(version + ".json");
  }

  long rows() {
    return segments.stream().mapToLong(Segment::rows).sum();
  }

  long bytes() {
    return segments.stream().mapToLong(Segment::bytes).sum();
  }

  byte[] write() {
    ObjectNode json = RowJson.MAPPER.createObjectNode();
    json.put("format", FORMAT);
    json.put("name", name);
    json.put("version", version);
    json.put("parent", parent);
    json.put("root", root);
    json.put("rows", rows());
    ArrayNode list = json.putArray("segments");
    for (Segment segment : segments) {
      list.addObject()
          .put("sha256", segment.sha256())
          .put("rows", segment.rows())
          .put("bytes", segment.bytes());
    }
    return (RowJson.MAPPER.writeValueAsString(json) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Refuses with {@link IllegalArgumentException}. */
  static Manifest parse(byte[] bytes) {
    JsonNode json = RowJson.object(new String(bytes, StandardCharsets.UTF_8));
    RowJson.checkKeys(json, "", KEYS, "the keys of " + FORMAT);
    String format = RowJson.required(json, "format");
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException(
          "format: '" + Excerpt.of(format) + "' (expected: " + FORMAT + ")");
    }
    List<Segment> segments = new ArrayList<>();
    JsonNode list = json.get("segments");
    if (list == null || !list.isArray()) {
      throw new IllegalArgumentException("segments: missing or no list (expected: a list)");
    }
    for (JsonNode segment : list.values()) {
      RowJson.checkKeys(segment, "segments.", SEGMENT_KEYS, "sha256, rows and bytes");
      segments.add(
          new Segment(
              RowJson.required(segment, "sha256"),
              integer(segment, "rows"),
              integer(segment, "bytes")));
    }
    JsonNode parent = json.get("parent");
    Manifest manifest =
        new Manifest(
            RowJson.required(json, "name"),
            Math.clamp(integer(json, "version"), 0, Integer.MAX_VALUE),
            parent == null || parent.isNull() ? null : RowJson.required(json, "parent"),
            RowJson.required(json, "root"),
            segments);
    if (integer(json, "rows") != manifest.rows()) {
      throw new IllegalArgumentException(
          "rows: " + json.get("rows") + " (expected: " + manifest.rows() + ", as in segments)");
    }
    return manifest;
  }

  private static long integer(JsonNode object, String key) {
    JsonNode node = object.get(key);
    if (node == null || !node.isIntegralNumber() || !node.canConvertToLong()) {
      throw new IllegalArgumentException(key + ": missing or no integer (expected: an integer)");
    }
    return node.longValue();
  }
}
