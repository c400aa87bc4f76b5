package dev.openlora.attribution.datanet;

/** Hears how an addition goes, on the thread that adds. */
public interface AdditionListener {
  AdditionListener SILENT = new AdditionListener() {};

  /** So many more bytes of the source files were read. */
  default void onRead(long bytes) {}

  /** A row was skipped: the same as one at {@code before}, a file's line or a Datanet's row. */
  default void onSkipped(String file, long line, String before) {}
}
