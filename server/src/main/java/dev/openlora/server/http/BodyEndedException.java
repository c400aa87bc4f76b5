package dev.openlora.server.http;

import java.io.IOException;

/** A body that will not come to its end. The connection has told the client, if it is there. */
public final class BodyEndedException extends IOException {
  private static final long serialVersionUID = 1L;

  BodyEndedException(String message) {
    super(message);
  }
}
