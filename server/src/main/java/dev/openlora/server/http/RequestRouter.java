package dev.openlora.server.http;

import dev.openlora.server.admission.AccessKeys;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * From the head of a request to the handler of its route, or to the error that answers it: path,
 * method, key, then content type, all before a byte of the body is kept. Immutable; any thread.
 *
 * <p>Bodies must declare {@code application/json}. That also keeps web pages from reaching a
 * keyless server on loopback: browsers ask before they send that type, and are not allowed.
 */
public final class RequestRouter {
  /** Where a request goes. */
  record Target(String route, String path, Handler handler) {}

  /** Told of every answer. Event loop: must return at once. */
  @FunctionalInterface
  public interface Observer {
    void answered(String route, int status);
  }

  private final Map<String, Map<String, Route>> exact = new LinkedHashMap<>();
  private final Map<String, Map<String, Route>> prefixes = new LinkedHashMap<>();
  private final AccessKeys keys;
  private final Observer observer;

  public RequestRouter(List<Route> routes, AccessKeys keys, Observer observer) {
    this.keys = keys;
    this.observer = observer;
    for (Route route : routes) {
      boolean prefix = route.path().endsWith("/*");
      String path = prefix ? route.path().substring(0, route.path().length() - 1) : route.path();
      (prefix ? prefixes : exact)
          .computeIfAbsent(path, p -> new LinkedHashMap<>())
          .put(route.method(), route);
    }
  }

  Target target(HttpRequest head) throws ApiException {
    String path = path(head.uri());
    Map<String, Route> methods = methods(path);
    if (methods == null) {
      throw ApiException.notFound(null, "There is no route " + shown(path) + ".");
    }
    String method = head.method().name();
    if (method.equals("OPTIONS")) {
      String allow = allow(methods);
      return new Target(
          "OPTIONS",
          path,
          exchange -> exchange.reply(new Reply(204, "", new byte[0], Map.of("allow", allow))));
    }
    Route route = methods.get(method.equals("HEAD") ? "GET" : method);
    if (route == null) {
      throw new ApiException(
              405,
              "MethodNotAllowedError",
              null,
              "The route " + shown(path) + " takes " + allow(methods) + ", not " + method + ".")
          .header("allow", allow(methods));
    }
    checkKey(route, head.headers());
    if (route.method().equals("POST")) {
      checkContent(head);
    }
    return new Target(route.path(), path, route.handler());
  }

  void answered(@Nullable Target target, int status) {
    observer.answered(target == null ? "none" : target.route(), status);
  }

  private @Nullable Map<String, Route> methods(String path) {
    Map<String, Route> methods = exact.get(path);
    if (methods != null) {
      return methods;
    }
    for (var entry : prefixes.entrySet()) {
      if (path.startsWith(entry.getKey()) && path.length() > entry.getKey().length()) {
        return entry.getValue();
      }
    }
    return null;
  }

  private void checkKey(Route route, HttpHeaders headers) throws ApiException {
    switch (keys.check(route.access(), headers.get(HttpHeaderNames.AUTHORIZATION))) {
      case ALLOWED -> {}
      case UNAUTHORIZED ->
          throw new ApiException(
                  401,
                  "AuthenticationError",
                  null,
                  "A valid key is required: send it as 'Authorization: Bearer <key>'.")
              .header("www-authenticate", "Bearer");
      case FORBIDDEN ->
          throw new ApiException(
              403,
              "PermissionDeniedError",
              null,
              "This route needs an admin key; the key that was sent is none, or none is"
                  + " configured.");
    }
  }

  private static void checkContent(HttpRequest head) throws ApiException {
    HttpHeaders headers = head.headers();
    boolean hasBody =
        HttpUtil.isTransferEncodingChunked(head) || HttpUtil.getContentLength(head, 0L) > 0;
    String encoding = headers.get(HttpHeaderNames.CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw new ApiException(
          415,
          "UnsupportedMediaTypeError",
          null,
          "Content-Encoding: " + shown(encoding) + " is not supported (expected: none).");
    }
    String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
    String media = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (hasBody && !media.equals("application/json")) {
      throw ApiException.badRequest(
          null,
          "Unsupported Media Type: Only 'application/json' is allowed, got "
              + (type == null ? "none" : shown(type))
              + ".");
    }
  }

  private static String path(String uri) throws ApiException {
    try {
      String path = new QueryStringDecoder(uri).path();
      if (!path.startsWith("/") && !path.equals("*")) {
        throw ApiException.badRequest(
            null, "The request target " + shown(path) + " is not a path.");
      }
      return path;
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(
          null, "The request target " + shown(uri) + " has a broken escape.");
    }
  }

  private static String allow(Map<String, Route> methods) {
    TreeSet<String> names = new TreeSet<>(methods.keySet());
    if (names.contains("GET")) {
      names.add("HEAD");
    }
    names.add("OPTIONS");
    return String.join(", ", names);
  }

  /** For messages: quoted, short, without control characters or halves of surrogate pairs. */
  static String shown(String text) {
    StringBuilder out = new StringBuilder("'");
    text.codePoints()
        .limit(100)
        .forEach(c ->
            out.appendCodePoint(
                Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE
                    ? '\uFFFD'
                    : c));
    return out.append(text.length() > 100 ? "…'" : "'").toString();
  }
}
