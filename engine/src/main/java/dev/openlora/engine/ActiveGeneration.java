package dev.openlora.engine;

import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.GenerationListener.FinishReason;
import dev.openlora.engine.GenerationListener.Token;
import dev.openlora.engine.sampling.Logits;
import dev.openlora.engine.sampling.Sampler;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.SamplingState;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.engine.sampling.TokenLogprobs;
import dev.openlora.engine.text.IncrementalDecoder;
import dev.openlora.engine.text.StopStrings;
import dev.openlora.engine.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One generation from its tokens to what its listener hears: scores of the prompt, sampling, text,
 * and the conditions that end it. Engine thread only.
 */
final class ActiveGeneration {
  private final Sequence sequence;
  private final GenerationListener listener;
  private final SamplingState sampling;
  private final IncrementalDecoder decoder;
  private final StopStrings stops;
  private final Set<Integer> eosTokenIds;
  private final int maxLength;
  private final List<List<TokenLogprob>> promptScores = new ArrayList<>();

  ActiveGeneration(
      Sequence sequence,
      GenerationListener listener,
      Tokenizer tokenizer,
      Set<Integer> eosTokenIds,
      int maxModelLength) {
    this.sequence = sequence;
    this.listener = listener;
    this.eosTokenIds = eosTokenIds;
    SamplingParams params = sequence.request().sampling();
    sampling = new SamplingState(params, sequence.request().promptIds(), eosTokenIds);
    decoder = tokenizer.newDecoder(sequence.request().promptIds(), params.skipSpecialTokens());
    stops = new StopStrings(params.stop(), params.includeStopInOutput());
    maxLength = Math.min(maxModelLength, sequence.promptLength() + params.maxTokens());
    if (params.promptLogprobs() >= 0) {
      for (int i = 0; i < sequence.promptLength(); i++) {
        promptScores.add(List.of());
      }
    }
  }

  Sequence sequence() {
    return sequence;
  }

  GenerationListener listener() {
    return listener;
  }

  /** Takes the logits behind a prompt position, which score the prompt's next token. */
  void scorePrompt(int position, Logits logits) {
    int next = sequence.id(position + 1);
    promptScores.set(
        position + 1,
        TokenLogprobs.of(logits, next, sequence.request().sampling().promptLogprobs()));
  }

  /** The prompt has been computed; null when the answer goes on. */
  @Nullable Finish promptDone() {
    if (!promptScores.isEmpty()) {
      listener.onPrompt(List.copyOf(promptScores));
    }
    return sequence.request().sampling().maxTokens() == 0
        ? finish(FinishReason.LENGTH, "", "")
        : null;
  }

  /** Samples the next token. */
  Step next(Logits logits, Sampler sampler) {
    SamplingParams params = sequence.request().sampling();
    int tokenId = sampler.sample(logits, sampling);
    List<TokenLogprob> logprobs =
        params.logprobs() >= 0 ? TokenLogprobs.of(logits, tokenId, params.logprobs()) : List.of();
    sampling.append(tokenId);
    sequence.append(tokenId);
    return new Step(tokenId, logprobs);
  }

  /** A sampled token on its way to the listener. */
  record Step(int tokenId, List<TokenLogprob> logprobs) {}

  /** Tells the listener of a token; returns how the generation ends with it, or null. */
  @Nullable Finish tell(Step step) {
    SamplingParams params = sequence.request().sampling();
    int tokenId = step.tokenId();
    boolean eos = !params.ignoreEos() && eosTokenIds.contains(tokenId);
    boolean stopToken = params.stopTokenIds().contains(tokenId);
    boolean mayStop = sequence.outputLength() >= params.minTokens();
    boolean ends = mayStop && (eos || stopToken);
    boolean silent = ends && !params.includeStopInOutput();
    String text = silent ? "" : decoder.append(tokenId);
    // As in vLLM, stop strings count only once min_tokens are out.
    String certain = mayStop ? stops.append(text) : text;
    listener.onToken(new Token(tokenId, certain, step.logprobs()));
    if (stops.found() != null) {
      return finish(FinishReason.STOP, "", stops.found());
    }
    if (ends) {
      return end(FinishReason.STOP, stopToken && !eos ? (Object) tokenId : "");
    }
    return sequence.length() >= maxLength ? end(FinishReason.LENGTH, "") : null;
  }

  /**
   * The end by token or length: what was held back comes out, unless it completes a stop string.
   */
  private Finish end(FinishReason reason, Object stop) {
    String rest = stops.append(decoder.flush()) + stops.flush();
    String found = stops.found();
    return found != null ? finish(FinishReason.STOP, rest, found) : finish(reason, rest, stop);
  }

  private Finish finish(FinishReason reason, String text, Object stop) {
    return new Finish(
        reason,
        text,
        stop,
        sequence.promptLength(),
        sequence.cachedPromptTokens(),
        sequence.outputLength());
  }
}
