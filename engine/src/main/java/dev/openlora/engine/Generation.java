package dev.openlora.engine;

/** A generation under way. Any thread. */
public interface Generation {
  /**
   * Ends it with {@link GenerationException.Kind#CANCELLED}; everything it holds is free in the
   * next step.
   */
  void cancel();
}
