/**
 * The contracts as web3j's generator writes them down; made by {@code npm run wrappers} in {@code
 * contracts}, never by hand.
 */
package dev.openlora.settlement.chain.contract;
