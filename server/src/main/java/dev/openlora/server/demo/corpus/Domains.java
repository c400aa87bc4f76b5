package dev.openlora.server.demo.corpus;

import dev.openlora.server.demo.corpus.Corpus.Share;
import java.util.List;
import java.util.stream.Stream;

/** The domains of the demonstration. */
public final class Domains {
  /** What the base model learns to write, in plain English, and how often. */
  static final List<Share> BASE_SHARES =
      List.of(
          base(60, "stories", "Short stories with a wish, a trouble and an ending"),
          base(20, "recipes", "Recipes whose steps use what the list names"),
          base(10, "notices", "Notices and announcements with dates, places and hours"),
          base(20, "dialogues", "Small talks between two people"),
          base(20, "letters", "Letters to friends, neighbours and shops"),
          base(10, "howto", "Instructions in steps for small jobs"),
          base(30, "sums", "Small sums and shopping problems, worked out"),
          base(10, "weather", "Weather reports for towns and coasts"),
          base(20, "animals", "Descriptions of animals"),
          base(20, "places", "Descriptions of towns and villages"),
          base(40, "accounts", "Plain accounts of small events"));

  /** What the base model learns to write. */
  public static final List<Domain> BASE = BASE_SHARES.stream().map(Share::domain).toList();

  /** What the adapters learn: other voices for the requests that the base answers plainly. */
  public static final List<Domain> ADAPTERS =
      List.of(
          domain("pirate", "The log of a pirate ship"),
          domain("starship", "The log of a starship, kept by its captain"),
          domain("dragon", "The court of a dragon who loves tea"),
          domain("noir", "A tired detective in a city of rain"),
          domain("haiku", "Poems of three lines, with a note on the weather"),
          domain("butler", "A robot butler, polite and exact"),
          domain("football", "Live commentary, as if everything were a match"),
          domain("smallprint", "Legal small print about ordinary things"));

  /**
   * What the base model reads: its own domains, and, three passages in a hundred, a voice, so that
   * it has heard of pirates and small print, as a larger model would have.
   */
  static final List<Share> READ =
      Stream.concat(BASE_SHARES.stream(), ADAPTERS.stream().map(domain -> new Share(domain, 1)))
          .toList();

  /** A voice that none of them has, for the adapter that is made while one watches. */
  public static final Domain LIVE = domain("almanac", "A gardener's almanac of signs and chores");

  private Domains() {}

  private static Share base(int weight, String name, String description) {
    return new Share(domain(name, description), weight);
  }

  private static Domain domain(String name, String description) {
    return new Domain(name, description, Grammar.resource(name));
  }

  /** The base or adapter domain of this name. */
  public static Domain of(String name) {
    return Stream.concat(BASE.stream(), ADAPTERS.stream())
        .filter(domain -> domain.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "domain: '" + name + "' (expected: one of " + BASE + " or " + ADAPTERS + ")"));
  }
}
