package dev.openlora.server.finetuning;

import java.io.IOException;
import java.nio.file.Path;

/** Looks through a file of rows before anything is tuned on it. Any thread; blocks. */
@FunctionalInterface
public interface DatasetCheck {
  /** A file that nothing can be tuned on: the line, from 1 (0: the whole file), and why. */
  final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final long line;

    public RefusedException(long line, String reason) {
      super(reason);
      this.line = line;
    }

    public long line() {
      return line;
    }
  }

  /**
   * What was found.
   *
   * @param meanTokens of a row; an estimate
   * @param longestTokens of a row; an estimate, rather too much than too little
   */
  record Found(long rows, double meanTokens, double longestTokens) {}

  Found check(Path file) throws IOException, RefusedException;
}
