package dev.openlora.engine;

/** Hears of every step, on the engine thread: must return at once. */
@FunctionalInterface
public interface StepListener {
  void onStep(StepRecord step);
}
