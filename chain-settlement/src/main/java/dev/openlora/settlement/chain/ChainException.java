package dev.openlora.settlement.chain;

import org.jspecify.annotations.Nullable;

/** The chain could not be asked, or did not do what it was asked. */
public class ChainException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ChainException(String message) {
    super(message);
  }

  public ChainException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
