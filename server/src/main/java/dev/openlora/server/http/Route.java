package dev.openlora.server.http;

import dev.openlora.server.admission.Access;

/**
 * One method of one path.
 *
 * @param path exact; a prefix when it ends with {@code /*}; with <code>{id}</code> for one segment
 * @param uploadBytesMax of a {@code multipart/form-data} body, which the handler reads while it
 *     comes; 0 for a JSON body under the limits of all requests
 */
public record Route(
    String method, String path, Access access, long uploadBytesMax, Handler handler) {
  public static Route get(String path, Access access, Handler handler) {
    return new Route("GET", path, access, 0, handler);
  }

  public static Route post(String path, Access access, Handler handler) {
    return new Route("POST", path, access, 0, handler);
  }

  public static Route delete(String path, Access access, Handler handler) {
    return new Route("DELETE", path, access, 0, handler);
  }

  public static Route upload(String path, Access access, long bytesMax, Handler handler) {
    return new Route("POST", path, access, bytesMax, handler);
  }
}
