/**
 * The decoder once more, in float32, without a cache and differentiable, on DJL's NDArray: the
 * oracle of the serving path, and what gradients are taken of.
 */
@NullMarked
package dev.openlora.engine.reference;

import org.jspecify.annotations.NullMarked;
