package dev.openlora.bench.step;

import dev.openlora.bench.step.Roofline.Work;
import java.util.ArrayList;
import java.util.List;

/**
 * The least that the matrix work of a step costs: every weight is read once, every product is made
 * at the measured peak, and layers, head and adapters come one after another. Attention over keys
 * and values, norms and sampling are left out, so the floor is below what any engine reaches.
 */
record StepFloor(Work layers, Work head, Work adapters) {
  /** An adapter on every matrix of the layers, and the rows of the step that go through it. */
  record Share(int rank, int rows) {}

  static StepFloor of(MatrixShapes shapes, int rows, int outputRows, List<Share> adapters) {
    double adapterElements = 0;
    double adapterFlops = 0;
    for (Share share : adapters) {
      double elements = (double) share.rank() * shapes.pairElements();
      adapterElements += elements;
      adapterFlops += 2 * elements * share.rows();
    }
    double layers = shapes.layerElements();
    double head = shapes.head().elements();
    return new StepFloor(
        new Work(layers * shapes.elementBytes(), 2 * layers * rows),
        new Work(head * shapes.elementBytes(), 2 * head * outputRows),
        new Work(adapterElements * shapes.adapterElementBytes(), adapterFlops));
  }

  /** Of a step whose adapters have these ranks. */
  static StepFloor of(MatrixShapes shapes, StepShape step, RankList ranks) {
    int[] rows = new int[ranks.size()];
    for (int s = 0; s < step.sequences() && rows.length > 0; s++) {
      rows[step.adapterOf(s, rows.length)] += step.rowsEach();
    }
    List<Share> shares = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      shares.add(new Share(ranks.ranks().get(i), rows[i]));
    }
    return of(shapes, step.rows(), step.sequences(), shares);
  }

  double seconds(Roofline roofline) {
    return roofline.seconds(layers) + roofline.seconds(head) + roofline.seconds(adapters);
  }

  /** What it reads. */
  double bytes() {
    return layers.bytes() + head.bytes() + adapters.bytes();
  }

  double flops() {
    return layers.flops() + head.flops() + adapters.flops();
  }

  /** Tokens per second with adapters over those without, where both run at their floors. */
  double ratioToBase(Roofline roofline) {
    double base = roofline.seconds(layers) + roofline.seconds(head);
    return base / seconds(roofline);
  }
}
