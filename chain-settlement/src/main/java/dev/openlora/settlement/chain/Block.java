package dev.openlora.settlement.chain;

/**
 * Which block to ask: the newest, which a sequencer may still take back; one that L1 holds; or one
 * that is final there.
 */
public enum Block {
  LATEST,
  SAFE,
  FINALIZED;
}
