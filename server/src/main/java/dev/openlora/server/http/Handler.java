package dev.openlora.server.http;

/** Answers the requests of one route. Called on a virtual thread of its own: it may block. */
@FunctionalInterface
public interface Handler {
  /**
   * Replies, or opens a stream that will.
   *
   * @throws ApiException when the answer is an error
   * @throws InterruptedException when the server is closed meanwhile
   */
  void handle(Exchange exchange) throws ApiException, InterruptedException;
}
