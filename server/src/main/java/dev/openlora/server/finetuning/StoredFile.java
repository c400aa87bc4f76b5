package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/**
 * An uploaded file, or one that a job wrote.
 *
 * @param createdMillis since 1970; no two files of a store have the same
 * @param name as the client called it; never a path here
 * @param sha256 of its bytes, which are kept under this name
 */
public record StoredFile(
    String id, long bytes, long createdMillis, String name, Purpose purpose, String sha256) {

  /** What a file is for. */
  public enum Purpose {
    FINE_TUNE("fine-tune", "jsonl"),
    FINE_TUNE_RESULTS("fine-tune-results", "csv");

    private final String word;
    private final String ending;

    Purpose(String word, String ending) {
      this.word = word;
      this.ending = ending;
    }

    /** As requests and answers say it. */
    public String word() {
      return word;
    }

    /** Null when no purpose is called so. */
    public static @Nullable Purpose of(String word) {
      for (Purpose purpose : values()) {
        if (purpose.word.equals(word)) {
          return purpose;
        }
      }
      return null;
    }
  }

  String contentName() {
    return sha256 + "." + purpose.ending;
  }
}
