/**
 * Base models: configuration, weights, rotary positions and the forward pass, with each row's
 * adapters.
 */
@NullMarked
package dev.openlora.engine.model;

import org.jspecify.annotations.NullMarked;
