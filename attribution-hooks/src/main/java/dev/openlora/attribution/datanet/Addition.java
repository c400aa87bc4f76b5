package dev.openlora.attribution.datanet;

import java.nio.file.Path;
import java.util.List;

/**
 * Files whose rows become a Datanet's next version.
 *
 * @param name the Datanet, made when there is none
 * @param contributor of rows that name none themselves
 * @param licence of rows that name none themselves
 * @param duplicates what happens to rows that are there already
 */
public record Addition(
    String name,
    List<Path> files,
    Contributor contributor,
    String licence,
    Duplicates duplicates,
    RowLimits limits) {

  /** What happens to a row that is there already. */
  public enum Duplicates {
    /** Nothing is added. */
    REFUSE,
    /** The others are added. */
    SKIP
  }

  public Addition {
    DatanetReference.checkName(name);
    files = List.copyOf(files);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("files: none (expected: at least one)");
    }
    Row.checkLicence(licence);
  }

  /** Refuses duplicates; default limits. */
  public Addition(String name, List<Path> files, Contributor contributor, String licence) {
    this(name, files, contributor, licence, Duplicates.REFUSE, RowLimits.DEFAULT);
  }
}
