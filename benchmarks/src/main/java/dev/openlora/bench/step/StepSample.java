package dev.openlora.bench.step;

/**
 * One step that ran.
 *
 * @param nanos from the forward pass to the last sampled token
 * @param samplingNanos of them, reading logits rows and sampling
 * @param decoderBytes of Java memory that the forward pass and the head allocated
 * @param samplingBytes of Java memory that reading and sampling allocated
 * @param tokens that were sampled, as one number to compare
 */
record StepSample(
    long nanos, long samplingNanos, long decoderBytes, long samplingBytes, int tokens) {
  double millis() {
    return nanos / 1e6;
  }
}
