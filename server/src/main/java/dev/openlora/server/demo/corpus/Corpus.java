package dev.openlora.server.demo.corpus;

import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;

/**
 * An endless stream of passages from several domains. The same seed gives the same passages, on
 * every machine. One thread.
 */
public final class Corpus implements Iterator<Passage> {
  /** A domain, and how often it comes next to the others. */
  public record Share(Domain domain, int weight) {
    public Share {
      if (weight < 1) {
        throw new IllegalArgumentException(
            "weight: " + weight + " of " + domain + " (expected: at least 1)");
      }
    }
  }

  private final List<Share> shares;
  private final int weights;
  private final SplittableRandom random;

  public Corpus(List<Share> shares, long seed) {
    if (shares.isEmpty()) {
      throw new IllegalArgumentException("shares: none (expected: at least one domain)");
    }
    this.shares = List.copyOf(shares);
    this.weights = Math.toIntExact(shares.stream().mapToLong(Share::weight).sum());
    this.random = new SplittableRandom(seed);
  }

  /** What the base model reads: every base domain, and a little of every voice. */
  public static Corpus base(long seed) {
    return new Corpus(Domains.READ, seed);
  }

  /** One domain alone. */
  public static Corpus of(Domain domain, long seed) {
    return new Corpus(List.of(new Share(domain, 1)), seed);
  }

  @Override
  public boolean hasNext() {
    return true;
  }

  @Override
  public Passage next() {
    int ticket = random.nextInt(weights);
    for (Share share : shares) {
      ticket -= share.weight();
      if (ticket < 0) {
        return share.domain().passage(random);
      }
    }
    throw new IllegalStateException("weights: changed while reading");
  }
}
