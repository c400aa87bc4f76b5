package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import java.util.List;
import java.util.UUID;

/** What both generating endpoints make of their requests. */
final class GenerationRequests {
  private GenerationRequests() {}

  /**
   * {@code n}, with {@code best_of} allowed only where it asks for nothing more. {@code user} is
   * not used, but must be what it is said to be.
   */
  static int choices(Fields fields, ServerLimits limits) throws ApiException {
    fields.string("user");
    int n = fields.integer("n", 1, Bounds.atLeast(1));
    if (n > limits.choicesMax()) {
      throw ApiException.badRequest(
          "n", "n must be at most " + limits.choicesMax() + ", got " + n + ".");
    }
    int bestOf = fields.integer("best_of", n, Bounds.atLeast(1));
    if (bestOf != n) {
      throw ApiException.badRequest(
          "best_of", "best_of must be absent or equal to n=" + n + ", got " + bestOf + ".");
    }
    return n;
  }

  static GenerationCall call(
      String idPrefix,
      Selection selection,
      List<Prompt> prompts,
      List<Integer> lengths,
      int n,
      Sampling sampling,
      AnswerOptions options,
      ServerLimits limits)
      throws ApiException {
    if ((long) prompts.size() * n > limits.sequencesMax()) {
      throw ApiException.badRequest(
          "n",
          prompts.size()
              + " prompts with n="
              + n
              + " are "
              + ((long) prompts.size() * n)
              + " sequences (expected: at most "
              + limits.sequencesMax()
              + ").");
    }
    return new GenerationCall(
        idPrefix + UUID.randomUUID().toString().replace("-", ""),
        System.currentTimeMillis() / 1000,
        selection.model(),
        selection.versions(),
        prompts,
        lengths,
        n,
        sampling,
        options);
  }
}
