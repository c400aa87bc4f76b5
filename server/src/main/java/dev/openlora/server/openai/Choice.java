package dev.openlora.server.openai;

import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.GenerationListener.Token;
import dev.openlora.engine.sampling.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One answer as it grows: what has come and has not been written yet. When the client reads slowly
 * it simply grows here, bounded by the answer. One thread at a time.
 */
final class Choice {
  private final int index;
  private final Prompt prompt;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokenIds = new ArrayList<>();
  private final List<List<TokenLogprob>> logprobs = new ArrayList<>();
  private @Nullable List<List<TokenLogprob>> promptLogprobs;
  private @Nullable Finish finish;
  private int outputTokens;
  private int textOffset;

  Choice(int index, Prompt prompt) {
    this.index = index;
    this.prompt = prompt;
  }

  int index() {
    return index;
  }

  Prompt prompt() {
    return prompt;
  }

  void onPrompt(List<List<TokenLogprob>> ofPrompt) {
    promptLogprobs = ofPrompt;
  }

  void onToken(Token token) {
    text.append(token.text());
    tokenIds.add(token.tokenId());
    logprobs.add(token.logprobs());
    outputTokens++;
  }

  void onFinish(Finish end) {
    text.append(end.text());
    finish = end;
  }

  /** Forgets what has been written. */
  void written() {
    text.setLength(0);
    tokenIds.clear();
    logprobs.clear();
  }

  String text() {
    return text.toString();
  }

  boolean hasText() {
    return !text.isEmpty();
  }

  List<Integer> tokenIds() {
    return tokenIds;
  }

  List<List<TokenLogprob>> logprobs() {
    return logprobs;
  }

  /** Null until the engine has given them, and when they were not asked. */
  @Nullable List<List<TokenLogprob>> promptLogprobs() {
    return promptLogprobs;
  }

  /** Null until the regular end. */
  @Nullable Finish finish() {
    return finish;
  }

  /** All that have come, written or not. */
  int outputTokens() {
    return outputTokens;
  }

  /** Where the next token begins in the answer's text, in characters. */
  int textOffset() {
    return textOffset;
  }

  void textOffset(int offset) {
    textOffset = offset;
  }
}
