/**
 * Receipts become payouts. Here will live batching, publication to EigenDA, posting to the L2, and
 * claims; {@code contracts/} will hold the Solidity.
 */
@NullMarked
package dev.openlora.settlement;

import org.jspecify.annotations.NullMarked;
