package dev.openlora.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One kind of load that servers are compared under, by its name: {@code base-8} is 8 requests at
 * once on the base, {@code same-8} on one adapter, {@code adapters-8} on 8 different ones; {@code
 * prefill-512} is a prompt of 512 tokens with one new token, {@code prefill-512-adapter} the same
 * with an adapter. Immutable.
 *
 * @param callers requests at a time
 * @param adapters how many a server has to have
 */
record Scenario(
    String name,
    int callers,
    int requests,
    Popularity.Kind popularity,
    int adapters,
    Workload.Lengths lengths) {
  static final String FORMS = "base-N, same-N, adapters-N, prefill-N or prefill-N-adapter";

  /** What is compared when nobody says otherwise; a server takes part where it has the adapters. */
  static final List<String> DEFAULT =
      List.of(
          "base-1",
          "base-8",
          "base-32",
          "adapters-8",
          "adapters-32",
          "adapters-64",
          "prefill-512",
          "prefill-512-adapter");

  private static final Pattern NAME =
      Pattern.compile("(base|same|adapters|prefill)-([1-9][0-9]{0,4})(-adapter)?");

  /** One prompt is over too soon to be timed. */
  private static final int PREFILLS = 3;

  /**
   * @param lengths of scenarios that generate
   * @throws IllegalArgumentException for another name than {@link #FORMS}
   */
  static Scenario parse(String option, String name, Workload.Lengths lengths) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches() || (matcher.group(3) != null && !matcher.group(1).equals("prefill"))) {
      throw new IllegalArgumentException(option + ": '" + name + "' (expected: " + FORMS + ")");
    }
    int n = Integer.parseInt(matcher.group(2));
    boolean adapted = matcher.group(3) != null;
    return switch (matcher.group(1)) {
      case "base" -> new Scenario(name, n, n, Popularity.Kind.BASE, 0, lengths);
      case "same" -> new Scenario(name, n, n, Popularity.Kind.IDENTICAL, 1, lengths);
      case "adapters" -> new Scenario(name, n, n, Popularity.Kind.DISTINCT, n, lengths);
      default ->
          new Scenario(
              name,
              1,
              PREFILLS,
              adapted ? Popularity.Kind.IDENTICAL : Popularity.Kind.BASE,
              adapted ? 1 : 0,
              new Workload.Lengths(n, 1));
    };
  }

  /** What it is worth comparing with, on the same server: the same load with fewer adapters. */
  List<String> plainer() {
    List<String> names = new ArrayList<>();
    if (name.startsWith("adapters-")) {
      names.add(name.replace("adapters-", "same-"));
      names.add(name.replace("adapters-", "base-"));
    } else if (name.startsWith("same-")) {
      names.add(name.replace("same-", "base-"));
    } else if (name.endsWith("-adapter")) {
      names.add(name.replace("-adapter", ""));
    }
    return names;
  }

  boolean isPrefill() {
    return name.startsWith("prefill-");
  }

  /** Null when the server can take part, else why not. */
  @org.jspecify.annotations.Nullable
  String obstacle(Endpoint endpoint) {
    if (endpoint.adapters().size() < adapters) {
      return endpoint.adapters().size() + " adapters";
    }
    int tokens = lengths.promptTokens() + lengths.newTokens();
    return endpoint.contextTokensMax() > 0 && endpoint.contextTokensMax() < tokens
        ? "a context of " + endpoint.contextTokensMax() + " tokens"
        : null;
  }

  /** The same requests for every server of a round, others in the next. */
  List<Ask> asks(long seed, int round) {
    return new Workload(
            requests,
            lengths,
            Workload.Prompts.IDS,
            new Popularity(popularity, 0),
            adapters,
            seed + 7919L * round + name.hashCode())
        .asks();
  }

  /** The tokens that count: of the prompt where that is the work, else new ones; a second. */
  double tokensPerSecond(LoadReport report) {
    return isPrefill() ? report.promptTokensPerSecond() : report.outputTokensPerSecond();
  }

  String unit() {
    return isPrefill() ? "prompt tokens/s" : "output tokens/s";
  }

  /** For a person. */
  String sentence() {
    String where =
        switch (popularity) {
          case BASE -> "the base";
          case IDENTICAL -> "one adapter";
          case DISTINCT, UNIFORM, ZIPF -> adapters + " adapters";
        };
    return String.format(
        "%s: %s on %s, %d + %d tokens",
        name,
        isPrefill()
            ? requests + " requests one by one"
            : requests == 1 ? "1 request" : requests + " requests at once",
        where,
        lengths.promptTokens(),
        lengths.newTokens());
  }
}
