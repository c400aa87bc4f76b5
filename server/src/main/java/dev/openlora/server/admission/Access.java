package dev.openlora.server.admission;

/** What a route asks of its caller. */
public enum Access {
  /** Nothing. */
  OPEN,
  /** An API key, when any is configured. */
  API,
  /** An API key, when any is configured and the metrics were not declared open. */
  METRICS,
  /** An admin key, when any key is configured. */
  ADMIN
}
