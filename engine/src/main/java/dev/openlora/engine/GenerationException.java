package dev.openlora.engine;

/** A generation that could not go on, or was not taken. The message is for the client. */
public class GenerationException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What kind of failure it is. */
  public enum Kind {
    /** The queue is full: come back later. */
    OVERLOADED,
    /** The request can never be served: too long for the model or the cache. */
    TOO_LARGE,
    /** The engine is closing. */
    CLOSED,
    /** The adapter gave values that are not numbers. */
    ADAPTER_FAILED,
    /** The request was cancelled by its client. */
    CANCELLED,
    /** A fault of ours. */
    INTERNAL
  }

  private final Kind kind;

  public GenerationException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }
}
