package dev.openlora.server.openai;

import java.util.List;

/**
 * A request for generated text, understood.
 *
 * @param model what the answer calls the model
 * @param adapterVersions for the answer's own part
 * @param lengths the most tokens to generate, by prompt
 */
record GenerationCall(
    String id,
    long created,
    String model,
    List<String> adapterVersions,
    List<Prompt> prompts,
    List<Integer> lengths,
    int n,
    Sampling sampling,
    AnswerOptions options) {
  boolean echoLogprobs() {
    return options.echo() && sampling.logprobs() >= 0;
  }

  int sequences() {
    return prompts.size() * n;
  }

  long promptTokens() {
    return prompts.stream().mapToLong(prompt -> prompt.ids().length).sum();
  }
}
