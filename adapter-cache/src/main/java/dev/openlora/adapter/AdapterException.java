package dev.openlora.adapter;

/**
 * An adapter that is not served, and why. The message is for the client: it names the file, key or
 * tensor.
 */
public class AdapterException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why an adapter is not served. */
  public enum Reason {
    /** No adapter under that name or path. */
    NOT_FOUND,
    /** The name is taken, or is the base's. */
    CONFLICT,
    /** The path lies outside the allowed roots, or the name is not allowed. */
    FORBIDDEN,
    /** The files are damaged, or do not fit the base. */
    INVALID,
    /** Well-formed, but with an option that is not served. */
    UNSUPPORTED,
    /** No memory left under the configured limit. */
    FULL
  }

  private final Reason reason;

  public AdapterException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
