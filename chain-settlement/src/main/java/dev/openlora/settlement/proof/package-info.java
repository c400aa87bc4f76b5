/**
 * What the settlement contracts hash, hashed once more in Java: receipts, spending limits, and the
 * three trees of a batch. Nothing here knows a chain or a key. All values are immutable; any
 * thread.
 */
@NullMarked
package dev.openlora.settlement.proof;

import org.jspecify.annotations.NullMarked;
