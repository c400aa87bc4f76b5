package dev.openlora.server.tuning;

import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.training.Example;
import dev.openlora.engine.training.HeldOut;
import java.util.ArrayList;
import java.util.List;

/** Rows with their examples, on two sides: to learn from and to measure on. */
record SplitRows(List<Built> training, List<Built> heldOut) {

  /** A row and what it became. */
  record Built(TrainingRow row, Example example) {}

  /** Builds and divides by content: a row falls on the same side whatever rows are beside it. */
  static SplitRows of(
      List<TrainingRow> rows, ExampleBuilder builder, TuningJob.HeldOutShare share, long seed) {
    List<Built> training = new ArrayList<>();
    List<Built> heldOut = new ArrayList<>();
    for (TrainingRow row : rows) {
      Built built = new Built(row, builder.build(row));
      (HeldOut.isHeldOut(built.example(), share.share(), seed) ? heldOut : training).add(built);
    }
    boolean missed = heldOut.isEmpty() && share.share() > 0;
    if (training.isEmpty() || (missed && share.asked())) {
      throw TuningException.wrong(
          "--held-out: "
              + share.share()
              + " takes "
              + heldOut.size()
              + " of "
              + rows.size()
              + " rows (expected: at least one on each side)");
    }
    return new SplitRows(List.copyOf(training), List.copyOf(heldOut));
  }

  List<Example> trainingExamples() {
    return training.stream().map(Built::example).toList();
  }

  List<Example> heldOutExamples() {
    return heldOut.stream().map(Built::example).toList();
  }

  long learnedTokens() {
    return training.stream().mapToLong(built -> built.example().learnedTokens()).sum();
  }

  /** Positions of one way through the examples to learn from. */
  long positions() {
    return training.stream().mapToLong(built -> built.example().rows()).sum();
  }

  /** One more than the largest id; 0 without rows. */
  int vocabulary() {
    int largest = -1;
    for (List<Built> side : List.of(training, heldOut)) {
      for (Built built : side) {
        for (int id : built.example().ids()) {
          largest = Math.max(largest, id);
        }
      }
    }
    return largest + 1;
  }

  static Lineage.Rows lineage(List<Built> side) {
    return Lineage.Rows.of(side.stream().map(built -> built.row().id().bytes()).toList());
  }
}
