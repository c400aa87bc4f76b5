/** HTTP/1.1 over Netty: connections, limits, routes, replies and event streams; no API in it. */
@NullMarked
package dev.openlora.server.http;

import org.jspecify.annotations.NullMarked;
