/** Numbers only: memory, tensors, libtorch and the operations of a forward pass; no policy. */
@NullMarked
package dev.openlora.kernels;

import org.jspecify.annotations.NullMarked;
