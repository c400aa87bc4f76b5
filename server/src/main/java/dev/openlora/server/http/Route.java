package dev.openlora.server.http;

import dev.openlora.server.admission.Access;

/**
 * One method of one path.
 *
 * @param path exact, or a prefix when it ends with {@code /*}
 */
public record Route(String method, String path, Access access, Handler handler) {
  public static Route get(String path, Access access, Handler handler) {
    return new Route("GET", path, access, handler);
  }

  public static Route post(String path, Access access, Handler handler) {
    return new Route("POST", path, access, handler);
  }
}
