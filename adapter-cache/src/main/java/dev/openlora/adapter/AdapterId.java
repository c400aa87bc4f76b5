package dev.openlora.adapter;

/** An adapter's version: a name and the SHA-256 of its content. {@link #BASE} is "no adapter". */
public record AdapterId(String name, String sha256) {
  public static final AdapterId BASE = new AdapterId("", "");

  @Override
  public String toString() {
    return this.equals(BASE)
        ? "base"
        : name + "@" + sha256.substring(0, Math.min(12, sha256.length()));
  }
}
