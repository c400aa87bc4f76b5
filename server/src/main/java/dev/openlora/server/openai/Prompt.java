package dev.openlora.server.openai;

/**
 * One prompt of a request, tokenized.
 *
 * @param text what {@code echo} repeats; "" when nothing is repeated
 */
record Prompt(String text, int[] ids) {}
