package dev.openlora.server.openai;

import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.server.http.ApiException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * How a request wants its tokens chosen, checked; what the length limit comes to is known only when
 * the prompt is.
 *
 * @param maxTokens null when the request left it open
 * @param logprobs alternatives with each token; -1 for no log-probs
 * @param promptLogprobs likewise for the prompt
 */
record Sampling(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Float> logitBias,
    @Nullable Long seed,
    int minTokens,
    @Nullable Integer maxTokens,
    List<Integer> stopTokenIds,
    List<String> stop,
    boolean includeStop,
    boolean ignoreEos,
    boolean skipSpecialTokens,
    int logprobs,
    int promptLogprobs) {
  static final int LOGPROBS_MAX = 20;
  private static final int STOPS_MAX = 4;
  private static final int STOP_CHARACTERS_MAX = 1000;
  private static final int STOP_IDS_MAX = 128;
  private static final double GREEDY_BELOW = 1e-5; // a division by less overflows

  private static final Bounds TEMPERATURE = Bounds.closed(0, 2);
  private static final Bounds TOP_P = Bounds.above(0, 1);
  private static final Bounds MIN_P = Bounds.closed(0, 1);
  private static final Bounds TOP_K =
      Bounds.atLeast(-1).said("0 or -1 (all tokens), or at least 1");
  private static final Bounds PENALTY = Bounds.closed(-2, 2);
  private static final Bounds REPETITION = Bounds.closed(0.001, 1000);
  private static final Bounds LENGTH = Bounds.atLeast(1);
  private static final Bounds LENGTH_OR_NONE = Bounds.atLeast(0);
  private static final float BIAS_MAX = 100;

  /** The fields of both endpoints; {@code logprobs} has been read by the caller. */
  static Sampling parse(
      Fields fields, int logprobs, @Nullable Integer maxTokens, int vocabularySize)
      throws ApiException {
    double temperature = fields.decimal("temperature", 1, TEMPERATURE);
    Long seed = fields.wide("seed");
    int minTokens = fields.integer("min_tokens", 0, LENGTH_OR_NONE);
    if (maxTokens != null && minTokens > maxTokens) {
      throw ApiException.badRequest(
          "min_tokens",
          "min_tokens must be at most max_tokens=" + maxTokens + ", got " + minTokens + ".");
    }
    return new Sampling(
        temperature < GREEDY_BELOW ? 0 : temperature,
        Math.max(0, fields.integer("top_k", 0, TOP_K)),
        fields.decimal("top_p", 1, TOP_P),
        fields.decimal("min_p", 0, MIN_P),
        fields.decimal("repetition_penalty", 1, REPETITION),
        fields.decimal("presence_penalty", 0, PENALTY),
        fields.decimal("frequency_penalty", 0, PENALTY),
        logitBias(fields, vocabularySize),
        seed == null || seed == -1 ? null : seed,
        minTokens,
        maxTokens,
        stopTokenIds(fields, vocabularySize),
        stop(fields),
        fields.flag("include_stop_str_in_output", false),
        fields.flag("ignore_eos", false),
        fields.flag("skip_special_tokens", true),
        logprobs,
        promptLogprobs(fields));
  }

  /** {@code max_tokens} or, in chats, the newer {@code max_completion_tokens}. */
  static @Nullable Integer maxTokens(Fields fields, String name, boolean echo) throws ApiException {
    return fields.integer(name, echo ? LENGTH_OR_NONE : LENGTH);
  }

  /** A count of alternatives; -1 when it is absent. */
  static int logprobs(Fields fields, String name, String what) throws ApiException {
    int count = fields.integer(name, -1, Bounds.atLeast(Integer.MIN_VALUE));
    if (fields.has(name) && count < 0) {
      throw ApiException.badRequest(name, name + " must be at least 0, got " + count + ".");
    }
    if (count > LOGPROBS_MAX) {
      throw ApiException.badRequest(
          name,
          "Requested "
              + what
              + " logprobs of "
              + count
              + ", which is greater than max allowed: "
              + LOGPROBS_MAX);
    }
    return count;
  }

  /** For the {@code choice}-th answer to one prompt, at most {@code length} tokens long. */
  SamplingParams params(int choice, int length, boolean echoLogprobs) {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        seed == null ? null : Long.valueOf(seed + choice),
        Math.min(minTokens, length),
        length,
        stopTokenIds,
        stop,
        includeStop,
        ignoreEos,
        skipSpecialTokens,
        logprobs,
        echoLogprobs ? Math.max(logprobs, promptLogprobs) : promptLogprobs);
  }

  private static int promptLogprobs(Fields fields) throws ApiException {
    int count = logprobs(fields, "prompt_logprobs", "prompt");
    if (count >= 0 && fields.flag("stream", false)) {
      throw ApiException.badRequest(
          "prompt_logprobs", "prompt_logprobs are not available when `stream=True`.");
    }
    return count;
  }

  private static Map<Integer, Float> logitBias(Fields fields, int vocabularySize)
      throws ApiException {
    JsonNode value = fields.value("logit_bias");
    if (value == null) {
      return Map.of();
    }
    if (!value.isObject()) {
      throw Fields.wrong("logit_bias", "an object from token ids to numbers", value);
    }
    Map<Integer, Float> bias = new HashMap<>();
    for (var entry : value.properties()) {
      int id;
      try {
        id = Integer.parseInt(entry.getKey());
      } catch (NumberFormatException e) {
        throw ApiException.badRequest(
            "logit_bias",
            "logit_bias must have token ids as keys, got "
                + Fields.shown(StringNode.valueOf(entry.getKey()))
                + ".");
      }
      checkTokenId("logit_bias", id, vocabularySize);
      double amount = Fields.decimal("logit_bias." + id, entry.getValue());
      bias.put(id, (float) Math.clamp(amount, -BIAS_MAX, BIAS_MAX));
    }
    return bias;
  }

  private static List<Integer> stopTokenIds(Fields fields, int vocabularySize) throws ApiException {
    List<Integer> ids = fields.integers("stop_token_ids", STOP_IDS_MAX);
    for (int id : ids) {
      checkTokenId("stop_token_ids", id, vocabularySize);
    }
    return ids;
  }

  static void checkTokenId(String param, int id, int vocabularySize) throws ApiException {
    if (id < 0 || id >= vocabularySize) {
      throw ApiException.badRequest(
          param,
          "Token id " + id + " is out of vocabulary (expected: 0 to " + (vocabularySize - 1) + ")");
    }
  }

  private static List<String> stop(Fields fields) throws ApiException {
    List<String> stops = fields.strings("stop", STOPS_MAX);
    for (String stop : stops) {
      if (stop.isEmpty()) {
        throw ApiException.badRequest("stop", "stop cannot contain an empty string.");
      }
      if (stop.length() > STOP_CHARACTERS_MAX) {
        throw ApiException.badRequest(
            "stop",
            "stop must have at most "
                + STOP_CHARACTERS_MAX
                + " characters in each string, got "
                + stop.length()
                + ".");
      }
    }
    return stops;
  }
}
