package dev.openlora.engine.model;

/**
 * How positions become rotations. Formulas: transformers, modeling_rope_utils.py; YaRN: arXiv
 * 2309.00071.
 */
public sealed interface RopeSettings {
  double theta();

  /** inverse frequency i of a head of size d: theta^(-2i/d) */
  record Default(double theta) implements RopeSettings {}

  /** All frequencies divided by a factor. */
  record Linear(double theta, double factor) implements RopeSettings {}

  /** Llama 3.1: low frequencies divided, high ones kept, those between blended. */
  record Llama3(
      double theta,
      double factor,
      double lowFrequencyFactor,
      double highFrequencyFactor,
      int originalPositions)
      implements RopeSettings {}

  /**
   * YaRN: a ramp between divided and kept frequencies, and cos and sin scaled by {@code
   * attentionFactor}.
   */
  record Yarn(
      double theta,
      double factor,
      double attentionFactor,
      double betaFast,
      double betaSlow,
      boolean truncate,
      int originalPositions)
      implements RopeSettings {}
}
