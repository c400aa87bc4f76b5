package dev.openlora.server.http;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request as a handler gets it; its body has been read to its end, unless the route streams it.
 *
 * @param path decoded, without the query
 * @param id what stands for <code>{id}</code> in the route; empty when there is none
 * @param query decoded, in the order of the names' first values
 * @param contentType as it was sent; empty when it was not
 * @param body empty when there is none
 */
public record Request(
    String method,
    String path,
    String id,
    Map<String, List<String>> query,
    String contentType,
    byte[] body) {
  /** The last value of a query parameter, or null. */
  public @Nullable String query(String name) {
    List<String> values = query.get(name);
    return values == null ? null : values.getLast();
  }
}
