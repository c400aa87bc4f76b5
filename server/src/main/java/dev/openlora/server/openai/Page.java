package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Reply;
import dev.openlora.server.http.Request;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A part of a list, as the query's {@code after}, {@code limit} and {@code order} ask for it.
 *
 * @param more whether others follow
 */
record Page<T>(List<T> items, boolean more) {
  /** The largest and the usual length of a page. */
  record Size(int max, int absent) {}

  /**
   * Cuts a page.
   *
   * @param all the oldest first
   */
  static <T> Page<T> of(Request request, List<T> all, Function<T, String> id, Size size)
      throws ApiException {
    List<T> ordered = isAscending(request) ? all : all.reversed();
    int limit = limit(request.query("limit"), size);
    String after = request.query("after");
    int from = 0;
    if (after != null && !after.isEmpty()) {
      while (from < ordered.size() && !id.apply(ordered.get(from)).equals(after)) {
        from++;
      }
      if (from == ordered.size()) {
        throw ApiException.badRequest(
            "after", "after must be the id of an entry of this list, got " + quoted(after) + ".");
      }
      from++;
    }
    int end = Math.min(ordered.size(), from + limit);
    return new Page<>(List.copyOf(ordered.subList(from, end)), end < ordered.size());
  }

  Reply reply(Function<T, String> id, BiConsumer<JsonGenerator, T> item) {
    return Reply.json(json -> {
      json.writeStartObject();
      json.writeStringProperty("object", "list");
      json.writeArrayPropertyStart("data");
      items.forEach(each -> item.accept(json, each));
      json.writeEndArray();
      writeId(json, "first_id", items.isEmpty() ? null : id.apply(items.getFirst()));
      writeId(json, "last_id", items.isEmpty() ? null : id.apply(items.getLast()));
      json.writeBooleanProperty("has_more", more);
      json.writeEndObject();
    });
  }

  private static void writeId(JsonGenerator json, String name, @Nullable String id) {
    if (id == null) {
      json.writeNullProperty(name);
    } else {
      json.writeStringProperty(name, id);
    }
  }

  private static boolean isAscending(Request request) throws ApiException {
    String order = request.query("order");
    return switch (order == null ? "desc" : order) {
      case "asc" -> true;
      case "desc" -> false;
      default ->
          throw ApiException.badRequest(
              "order", "order must be asc or desc, got " + quoted(String.valueOf(order)) + ".");
    };
  }

  private static int limit(@Nullable String text, Size size) throws ApiException {
    if (text == null) {
      return size.absent();
    }
    int limit = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
    if (limit < 1 || limit > size.max()) {
      throw ApiException.badRequest(
          "limit", "limit must be in [1, " + size.max() + "], got " + quoted(text) + ".");
    }
    return limit;
  }

  private static String quoted(String text) {
    return "'" + text.substring(0, Math.min(text.length(), 100)) + "'";
  }
}
