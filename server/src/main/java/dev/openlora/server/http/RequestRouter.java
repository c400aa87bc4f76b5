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
 * keyless server on loopback: browsers ask before they send that type, and are not allowed. Uploads
 * declare {@code multipart/form-data}, which browsers send without asking, so there the {@code
 * Origin} that they add is looked at.
 */
public final class RequestRouter {
  /** Where a request goes. */
  record Target(
      String route,
      String path,
      String id,
      Map<String, List<String>> query,
      long uploadBytesMax,
      Handler handler) {}

  /** The methods of a path, and what stands for the route's <code>{id}</code>. */
  private record Match(Map<String, Route> methods, String id) {}

  /** Told of every answer. Event loop: must return at once. */
  @FunctionalInterface
  public interface Observer {
    void answered(String route, int status);
  }

  private static final String ID = "{id}";

  private final Map<String, Map<String, Route>> exact = new LinkedHashMap<>();
  private final Map<String, Map<String, Route>> prefixes = new LinkedHashMap<>();
  private final Map<String, Map<String, Route>> patterns = new LinkedHashMap<>();
  private final AccessKeys keys;
  private final Observer observer;

  public RequestRouter(List<Route> routes, AccessKeys keys, Observer observer) {
    this.keys = keys;
    this.observer = observer;
    for (Route route : routes) {
      boolean prefix = route.path().endsWith("/*");
      String path = prefix ? route.path().substring(0, route.path().length() - 1) : route.path();
      boolean pattern = path.contains(ID);
      (pattern ? patterns : prefix ? prefixes : exact)
          .computeIfAbsent(path, p -> new LinkedHashMap<>())
          .put(route.method(), route);
    }
  }

  Target target(HttpRequest head) throws ApiException {
    String path = path(head.uri());
    Match match = match(path);
    if (match == null) {
      throw ApiException.notFound(null, "There is no route " + shown(path) + ".");
    }
    Map<String, Route> methods = match.methods();
    String method = head.method().name();
    if (method.equals("OPTIONS")) {
      String allow = allow(methods);
      return new Target(
          "OPTIONS",
          path,
          "",
          Map.of(),
          0,
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
    if (route.uploadBytesMax() > 0) {
      checkUpload(head.headers());
    } else if (route.method().equals("POST")) {
      checkContent(head);
    }
    return new Target(
        route.path(), path, match.id(), query(head.uri()), route.uploadBytesMax(), route.handler());
  }

  void answered(@Nullable Target target, int status) {
    observer.answered(target == null ? "none" : target.route(), status);
  }

  private @Nullable Match match(String path) {
    Map<String, Route> methods = exact.get(path);
    if (methods != null) {
      return new Match(methods, "");
    }
    for (var entry : patterns.entrySet()) {
      int at = entry.getKey().indexOf(ID);
      String before = entry.getKey().substring(0, at);
      String after = entry.getKey().substring(at + ID.length());
      int end = path.length() - after.length();
      if (at < end && path.startsWith(before) && path.endsWith(after)) {
        String id = path.substring(at, end);
        if (id.indexOf('/') < 0) {
          return new Match(entry.getValue(), id);
        }
      }
    }
    for (var entry : prefixes.entrySet()) {
      if (path.startsWith(entry.getKey()) && path.length() > entry.getKey().length()) {
        return new Match(entry.getValue(), "");
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

  private static void checkUpload(HttpHeaders headers) throws ApiException {
    checkEncoding(headers);
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    if (origin != null
        && !origin.replaceFirst("^https?://", "").equals(headers.get(HttpHeaderNames.HOST))) {
      throw new ApiException(
          403,
          "PermissionDeniedError",
          null,
          "Files are not taken from web pages of " + shown(origin) + ".");
    }
    String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
    if (!media(type).equals("multipart/form-data")) {
      throw ApiException.badRequest(
          null,
          "Unsupported Media Type: Only 'multipart/form-data' is allowed, got "
              + (type == null ? "none" : shown(type))
              + ".");
    }
  }

  private static String media(@Nullable String contentType) {
    return contentType == null ? "" : contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
  }

  private static void checkEncoding(HttpHeaders headers) throws ApiException {
    String encoding = headers.get(HttpHeaderNames.CONTENT_ENCODING);
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      throw new ApiException(
          415,
          "UnsupportedMediaTypeError",
          null,
          "Content-Encoding: " + shown(encoding) + " is not supported (expected: none).");
    }
  }

  private static void checkContent(HttpRequest head) throws ApiException {
    checkEncoding(head.headers());
    boolean hasBody =
        HttpUtil.isTransferEncodingChunked(head) || HttpUtil.getContentLength(head, 0L) > 0;
    String type = head.headers().get(HttpHeaderNames.CONTENT_TYPE);
    if (hasBody && !media(type).equals("application/json")) {
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

  private static Map<String, List<String>> query(String uri) throws ApiException {
    try {
      return new QueryStringDecoder(uri).parameters();
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(null, "The query of " + shown(uri) + " has a broken escape.");
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
