package dev.openlora.bench.step;

/** One way to run the same batch: through adapters of these ranks, or none. */
record AdapterWay(String label, RankList ranks) {
  static AdapterWay base() {
    return new AdapterWay("base only", RankList.of(0, 1));
  }

  /** That many distinct adapters of one rank. */
  static AdapterWay distinct(int adapters, int rank) {
    return adapters == 0
        ? base()
        : new AdapterWay(adapters + " x r" + rank, RankList.of(adapters, rank));
  }
}
