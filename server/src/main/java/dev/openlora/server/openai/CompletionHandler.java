package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Handler;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /v1/completions}. */
final class CompletionHandler implements Handler {
  private static final int MAX_TOKENS_ABSENT = 16;

  private final Engine engine;
  private final ModelSelector selector;
  private final Generations generations;
  private final ServerLimits limits;
  private final Prompts prompts;
  private final CompletionFormat format;

  CompletionHandler(
      Engine engine,
      ModelSelector selector,
      Generations generations,
      ServerLimits limits,
      CompletionFormat format) {
    this.engine = engine;
    this.selector = selector;
    this.generations = generations;
    this.limits = limits;
    this.prompts = new Prompts(engine, limits.sequencesMax());
    this.format = format;
  }

  @Override
  public void handle(Exchange exchange) throws ApiException, InterruptedException {
    generations.answer(exchange, selector, format, this::call);
  }

  private GenerationCall call(Fields fields, Selection selection) throws ApiException {
    AnswerOptions options = AnswerOptions.parse(fields, fields.flag("echo", false));
    Integer maxTokens = Sampling.maxTokens(fields, "max_tokens", options.echo());
    Sampling sampling =
        Sampling.parse(
            fields,
            Sampling.logprobs(fields, "logprobs", "sample"),
            maxTokens == null ? Integer.valueOf(MAX_TOKENS_ABSENT) : maxTokens,
            engine.model().vocabularySize());
    int n = GenerationRequests.choices(fields, limits);
    List<Prompt> given = prompts.parse(fields, options.echo(), sampling.skipSpecialTokens());
    List<Integer> lengths = new ArrayList<>();
    for (Prompt prompt : given) {
      lengths.add(prompts.answerLength(prompt, maxTokens, MAX_TOKENS_ABSENT));
    }
    return GenerationRequests.call(
        "cmpl-", selection, given, lengths, n, sampling, options, limits);
  }
}
