package dev.openlora.bench.load;

import tools.jackson.databind.JsonNode;

/**
 * One request to be sent.
 *
 * @param adapter place among the endpoint's adapters; {@link #BASE}: none
 * @param prompt token ids, or a string
 * @param promptTokens how many an answer has to count; 0: it depends on the tokenizer
 * @param newTokens how many an answer has to have
 */
record Ask(int adapter, JsonNode prompt, int promptTokens, int newTokens) {
  static final int BASE = -1;
}
