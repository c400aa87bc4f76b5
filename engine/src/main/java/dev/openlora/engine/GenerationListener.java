package dev.openlora.engine;

import dev.openlora.engine.sampling.TokenLogprob;
import java.util.List;

/**
 * Hears what becomes of one generation, on the engine thread: must return at once. The order is
 * onPrompt (when prompt log-probs were asked), onToken for each token, then exactly one of onFinish
 * and onError.
 */
public interface GenerationListener {
  /**
   * Log-probs of the prompt: one list per prompt token, the token itself first, then the
   * alternatives; the first list is empty.
   */
  default void onPrompt(List<List<TokenLogprob>> logprobs) {}

  void onToken(Token token);

  void onFinish(Finish finish);

  void onError(GenerationException error);

  /**
   * A generated token.
   *
   * @param text what the answer grows by; "" while a character or a possible stop string is
   *     incomplete
   * @param logprobs the token itself first, then the alternatives; empty when not asked
   */
  record Token(int tokenId, String text, List<TokenLogprob> logprobs) {}

  /**
   * The regular end.
   *
   * @param text what was held back and belongs to the answer
   * @param stop what ended it: a String (stop string), an Integer (token id) or "" for neither
   * @param cachedPromptTokens prompt tokens whose keys and values came from the prefix cache
   */
  record Finish(
      FinishReason reason,
      String text,
      Object stop,
      int promptTokens,
      int cachedPromptTokens,
      int outputTokens) {}

  /** Why a generation ended regularly. */
  enum FinishReason {
    STOP,
    LENGTH
  }
}
