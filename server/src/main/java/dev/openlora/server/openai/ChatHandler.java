package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Handler;
import java.util.List;

/** {@code POST /v1/chat/completions}. */
final class ChatHandler implements Handler {
  private final Engine engine;
  private final ModelSelector selector;
  private final Generations generations;
  private final ServerLimits limits;
  private final Prompts prompts;
  private final ChatMessages messages;
  private final ChatFormat format;

  ChatHandler(
      Engine engine,
      ModelSelector selector,
      Generations generations,
      ServerLimits limits,
      ChatMessages messages,
      ChatFormat format) {
    this.engine = engine;
    this.selector = selector;
    this.generations = generations;
    this.limits = limits;
    this.prompts = new Prompts(engine, 1);
    this.messages = messages;
    this.format = format;
  }

  @Override
  public void handle(Exchange exchange) throws ApiException, InterruptedException {
    generations.answer(exchange, selector, format, this::call);
  }

  private GenerationCall call(Fields fields, Selection selection) throws ApiException {
    AnswerOptions options = AnswerOptions.parse(fields, false);
    Integer maxTokens = Sampling.maxTokens(fields, "max_completion_tokens", false);
    if (maxTokens == null) {
      maxTokens = Sampling.maxTokens(fields, "max_tokens", false);
    }
    Sampling sampling =
        Sampling.parse(fields, logprobs(fields), maxTokens, engine.model().vocabularySize());
    int n = GenerationRequests.choices(fields, limits);
    Prompt prompt =
        prompts.ofText(
            fields, "messages", messages.render(fields), fields.flag("add_special_tokens", false));
    List<Integer> lengths = List.of(prompts.answerLength(prompt, maxTokens, null));
    return GenerationRequests.call(
        "chatcmpl-", selection, List.of(prompt), lengths, n, sampling, options, limits);
  }

  private static int logprobs(Fields fields) throws ApiException {
    boolean asked = fields.flag("logprobs", false);
    int top = Sampling.logprobs(fields, "top_logprobs", "sample");
    if (top > 0 && !asked) {
      throw ApiException.badRequest(
          "top_logprobs", "when using `top_logprobs`, `logprobs` must be set to true.");
    }
    return asked ? Math.max(top, 0) : -1;
  }
}
