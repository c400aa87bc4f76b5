package dev.openlora.kernels;

/**
 * An {@link AttentionBatch} made ready by the {@link Ops} that will run it; lives as long as its
 * step's arena.
 */
public interface AttentionPlan {
  AttentionBatch batch();
}
