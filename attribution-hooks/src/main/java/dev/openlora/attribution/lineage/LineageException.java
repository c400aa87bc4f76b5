package dev.openlora.attribution.lineage;

/** A lineage that cannot be read; the message names the field, what came and what was expected. */
public final class LineageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  LineageException(String message) {
    super(message);
  }
}
