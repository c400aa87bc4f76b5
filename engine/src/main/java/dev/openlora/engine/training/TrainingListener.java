package dev.openlora.engine.training;

/** Hears a run's events, on the thread that trains: what takes long belongs elsewhere. */
public interface TrainingListener {
  /** An exception from here stops the run. */
  void on(TrainingEvent event);
}
