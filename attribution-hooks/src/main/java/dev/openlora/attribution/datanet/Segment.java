package dev.openlora.attribution.datanet;

import java.nio.file.Path;

/**
 * A file of rows, one JSON object a line, named by the SHA-256 of its bytes and never changed; one
 * per addition.
 */
record Segment(String sha256, long rows, long bytes) {
  static final String FOLDER = "segments";

  /** A row's text may be six times as long in JSON; keys and roles come on top. */
  static final int BYTES_PER_LINE_MAX = 8 << 20;

  Segment {
    Sha256.checked("sha256", sha256);
    if (rows < 1) {
      throw new IllegalArgumentException("rows: " + rows + " (expected: at least 1)");
    }
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes: " + bytes + " (expected: at least 1)");
    }
  }

  Path in(Path datanet) {
    return datanet.resolve(FOLDER).resolve(sha256 + ".jsonl");
  }
}
