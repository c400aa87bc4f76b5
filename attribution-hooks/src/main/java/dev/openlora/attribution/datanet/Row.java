package dev.openlora.attribution.datanet;

import java.util.regex.Pattern;

/**
 * One row of a Datanet. The licence is an SPDX identifier or expression; its characters are
 * checked, not whether SPDX lists it. Refuses an id that is not the content's.
 */
public record Row(RowId id, RowContent content, Contributor contributor, String licence) {
  private static final Pattern LICENCE =
      Pattern.compile("[A-Za-z0-9(](?:[A-Za-z0-9.+:() -]{0,98}[A-Za-z0-9+)])?");

  public Row {
    RowId right = RowId.of(content);
    if (!id.equals(right)) {
      throw new IllegalArgumentException(
          "id: " + id + " (expected: " + right + ", the SHA-256 of the content)");
    }
    checkLicence(licence);
  }

  public static Row of(RowContent content, Contributor contributor, String licence) {
    return new Row(RowId.of(content), content, contributor, licence);
  }

  /** Returns it; refuses with {@link IllegalArgumentException} what cannot be a licence's name. */
  public static String checkLicence(String licence) {
    if (!LICENCE.matcher(licence).matches()) {
      throw new IllegalArgumentException(
          "licence: '"
              + Excerpt.of(licence)
              + "' (expected: an SPDX name of at most 100 characters, such as CC-BY-4.0)");
    }
    return licence;
  }
}
