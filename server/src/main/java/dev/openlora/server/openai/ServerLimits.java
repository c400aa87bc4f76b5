package dev.openlora.server.openai;

import dev.openlora.server.http.HttpLimits;

/**
 * What the API takes on.
 *
 * @param requestsMax worked on at once; 429 beyond
 * @param choicesMax the largest {@code n}
 * @param sequencesMax prompts times {@code n} of one request
 * @param adaptersPerRequestMax entries of {@code adapters}
 * @param adaptersResidentMax what the gateway metric gives as {@code max_lora}; also the most names
 *     that it lists
 */
public record ServerLimits(
    HttpLimits http,
    int requestsMax,
    int choicesMax,
    int sequencesMax,
    int adaptersPerRequestMax,
    int adaptersResidentMax) {
  public ServerLimits {
    if (requestsMax < 1
        || choicesMax < 1
        || sequencesMax < 1
        || adaptersPerRequestMax < 1
        || adaptersResidentMax < 1) {
      throw new IllegalArgumentException(
          "requestsMax, choicesMax, sequencesMax, adaptersPerRequestMax, adaptersResidentMax: "
              + requestsMax
              + ", "
              + choicesMax
              + ", "
              + sequencesMax
              + ", "
              + adaptersPerRequestMax
              + ", "
              + adaptersResidentMax
              + " (expected: at least 1 each)");
    }
  }

  public static ServerLimits defaults() {
    return new ServerLimits(HttpLimits.defaults(), 2048, 128, 2048, 8, 1000);
  }
}
