/**
 * The settlement contracts from Java: reaching a chain, sending for one key, what a refusal means,
 * deploying, and a chain of our own for tests and demos. The only place that knows web3j.
 */
@NullMarked
package dev.openlora.settlement.chain;

import org.jspecify.annotations.NullMarked;
