/** Iteration-level batching: what runs next, one step at a time, on one thread. */
@NullMarked
package dev.openlora.engine;

import org.jspecify.annotations.NullMarked;
