package dev.openlora.engine.training;

import dev.openlora.kernels.Tensor;

/**
 * A tensor that training moves, and the place of its gradient; both F32 on the host, same shape.
 *
 * @param name of the tensor in the file that training writes
 * @param decayed whether weight decay applies: matrices yes, norms, biases and magnitudes no
 */
public record Parameter(String name, Tensor value, Tensor gradient, boolean decayed) {}
