package dev.openlora.attribution.datanet;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How people name a Datanet: {@code legends}, the newest version, or {@code legends@3}.
 *
 * @param version 0: the newest
 */
public record DatanetReference(String name, int version) {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}");
  private static final Pattern REFERENCE = Pattern.compile("([^@]*)(?:@([1-9][0-9]{0,4}))?");

  public DatanetReference {
    checkName(name);
    if (version < 0 || version > Manifest.VERSIONS_MAX) {
      throw new IllegalArgumentException(
          "version: " + version + " (expected: 1.." + Manifest.VERSIONS_MAX + ")");
    }
  }

  public static DatanetReference parse(String reference) {
    Matcher parts = REFERENCE.matcher(reference);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "'" + Excerpt.of(reference) + "' (expected: a Datanet's name, or name@version)");
    }
    String version = parts.group(2);
    return new DatanetReference(
        String.valueOf(parts.group(1)), version == null ? 0 : Integer.parseInt(version));
  }

  /** Names are folders, also where file systems ignore case. */
  public static String checkName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name: '"
              + Excerpt.of(name)
              + "' (expected: at most 64 of a-z 0-9 . _ -, a letter or digit first)");
    }
    return name;
  }

  @Override
  public String toString() {
    return version == 0 ? name : name + "@" + version;
  }
}
