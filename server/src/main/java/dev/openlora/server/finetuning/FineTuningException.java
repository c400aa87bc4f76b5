package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/** A request about files or jobs that is refused; the message is a sentence for the client. */
public final class FineTuningException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why it is refused. */
  public enum Reason {
    /** A field holds what it must not. */
    INVALID,
    NOT_FOUND,
    /** What is asked for does not go with the state of things. */
    CONFLICT,
    TOO_LARGE,
    /** Later it may be taken. */
    BUSY,
    /** The operator has switched it off. */
    OFF,
    /** No room for what must be kept. */
    NO_SPACE
  }

  private final Reason reason;
  private final @Nullable String param;

  public FineTuningException(Reason reason, @Nullable String param, String message) {
    super(message);
    this.reason = reason;
    this.param = param;
  }

  public Reason reason() {
    return reason;
  }

  /** The field at fault, or null. */
  public @Nullable String param() {
    return param;
  }
}
