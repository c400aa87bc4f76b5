package dev.openlora.engine.text.bpe;

/** Two neighbouring tokens that become one, by their ids. */
public record BpeMerge(int left, int right) {}
