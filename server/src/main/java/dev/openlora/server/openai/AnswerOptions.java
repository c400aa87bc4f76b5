package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;

/**
 * What the answer is to contain.
 *
 * @param usageEverywhere the usage so far in every chunk of a stream
 */
record AnswerOptions(
    boolean echo,
    boolean stream,
    boolean includeUsage,
    boolean usageEverywhere,
    boolean returnTokenIds,
    boolean tokensAsIds) {
  static AnswerOptions parse(Fields fields, boolean echo) throws ApiException {
    boolean stream = fields.flag("stream", false);
    Fields streamOptions = fields.object("stream_options");
    if (streamOptions != null && !stream) {
      throw ApiException.badRequest(
          "stream_options", "Stream options can only be defined when `stream=True`.");
    }
    boolean includeUsage = streamOptions != null && streamOptions.flag("include_usage", false);
    boolean usageEverywhere =
        streamOptions != null && streamOptions.flag("continuous_usage_stats", false);
    return new AnswerOptions(
        echo,
        stream,
        includeUsage || usageEverywhere,
        usageEverywhere,
        fields.flag("return_token_ids", false),
        fields.flag("return_tokens_as_token_ids", false));
  }
}
