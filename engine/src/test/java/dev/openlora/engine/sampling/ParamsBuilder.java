package dev.openlora.engine.sampling;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parameters by name, neutral and greedy where nothing is said. */
final class ParamsBuilder {
  private double temperature = 0;
  private int topK = 0;
  private double topP = 1;
  private double minP = 0;
  private double repetitionPenalty = 1;
  private double presencePenalty = 0;
  private double frequencyPenalty = 0;
  private Map<Integer, Float> logitBias = Map.of();
  private @Nullable Long seed;
  private int minTokens = 0;
  private List<Integer> stopTokenIds = List.of();
  private boolean ignoreEos = false;

  ParamsBuilder temperature(double value) {
    temperature = value;
    return this;
  }

  ParamsBuilder topK(int value) {
    topK = value;
    return this;
  }

  ParamsBuilder topP(double value) {
    topP = value;
    return this;
  }

  ParamsBuilder minP(double value) {
    minP = value;
    return this;
  }

  ParamsBuilder repetitionPenalty(double value) {
    repetitionPenalty = value;
    return this;
  }

  ParamsBuilder presencePenalty(double value) {
    presencePenalty = value;
    return this;
  }

  ParamsBuilder frequencyPenalty(double value) {
    frequencyPenalty = value;
    return this;
  }

  ParamsBuilder logitBias(Map<Integer, Float> value) {
    logitBias = value;
    return this;
  }

  ParamsBuilder seed(@Nullable Long value) {
    seed = value;
    return this;
  }

  ParamsBuilder minTokens(int value) {
    minTokens = value;
    return this;
  }

  ParamsBuilder stopTokenIds(List<Integer> value) {
    stopTokenIds = value;
    return this;
  }

  ParamsBuilder ignoreEos(boolean value) {
    ignoreEos = value;
    return this;
  }

  SamplingParams build() {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        seed,
        minTokens,
        Integer.MAX_VALUE,
        stopTokenIds,
        List.of(),
        false,
        ignoreEos,
        true,
        -1,
        -1);
  }
}
