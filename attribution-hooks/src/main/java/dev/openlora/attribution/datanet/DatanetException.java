package dev.openlora.attribution.datanet;

import java.util.function.Supplier;

/** A dataset or Datanet that is refused: which file, which line, and why in one sentence. */
public final class DatanetException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final long line;
  private final String reason;

  DatanetException(String file, long line, String reason) {
    super(file + (line > 0 ? ":" + line : "") + ": " + reason);
    this.file = file;
    this.line = line;
    this.reason = reason;
  }

  /** As the caller named it. */
  public String file() {
    return file;
  }

  /** From 1; 0 when the file as a whole is at fault. */
  public long line() {
    return line;
  }

  public String reason() {
    return reason;
  }

  /** Makes a value; what the value itself complains about gains the place. */
  static <T> T at(String file, long line, Supplier<T> value) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new DatanetException(file, line, String.valueOf(e.getMessage()));
    }
  }
}
