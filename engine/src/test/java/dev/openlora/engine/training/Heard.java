package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** A listener that keeps what it hears, and can cancel after a step. */
final class Heard implements TrainingListener {
  private final List<TrainingEvent> events = new ArrayList<>();

  @Override
  public void on(TrainingEvent event) {
    events.add(event);
  }

  <T extends TrainingEvent> List<T> all(Class<T> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  List<TrainingEvent> all() {
    return events;
  }

  int steps() {
    return all(TrainingEvent.Stepped.class).size();
  }

  /** Whether this many steps have been heard. */
  BooleanSupplier after(int steps) {
    return () -> steps() >= steps;
  }
}
