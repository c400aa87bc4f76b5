package dev.openlora.server.http;

/**
 * A request that has been read to its end.
 *
 * @param path decoded, without the query
 * @param body empty when there is none
 */
public record Request(String method, String path, byte[] body) {}
