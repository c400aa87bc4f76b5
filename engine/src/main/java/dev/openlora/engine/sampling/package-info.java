/** From logits to a token: penalties, truncation, drawing, log-probs. */
@NullMarked
package dev.openlora.engine.sampling;

import org.jspecify.annotations.NullMarked;
