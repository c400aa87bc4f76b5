package dev.openlora.engine.training;

/** Training cannot go on: a loss that is no number, another run's checkpoint, nothing to learn. */
public final class TrainingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TrainingException(String message) {
    super(message);
  }
}
