package dev.openlora.engine.sampling;

/**
 * A token with its log-probability under the model (natural log of the softmax of the raw logits)
 * and its rank, 1 the best.
 */
public record TokenLogprob(int tokenId, float logprob, int rank) {}
