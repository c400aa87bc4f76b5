package dev.openlora.server.tuning;

/**
 * A training, a pretraining or an evaluation that does not start or does not come to its end. The
 * message is one line for the person who asked.
 */
public final class TuningException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Whose turn it is. */
  public enum Kind {
    /** What was asked cannot be done: the flags, the data or the model have to change. */
    ASKED_WRONGLY,
    /** It was asked rightly and failed all the same. */
    FAILED
  }

  private final Kind kind;

  public TuningException(Kind kind, String message) {
    super(message);
    this.kind = kind;
  }

  public TuningException(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  static TuningException wrong(String message) {
    return new TuningException(Kind.ASKED_WRONGLY, message);
  }

  public Kind kind() {
    return kind;
  }
}
