package dev.openlora.server.openai;

import dev.openlora.engine.GenerationListener.Finish;
import java.util.Collection;
import tools.jackson.core.JsonGenerator;

/** Tokens that a request has cost so far. */
record Usage(long promptTokens, long cachedTokens, long completionTokens) {
  static Usage of(GenerationCall call, Collection<Choice> choices) {
    long cached = 0;
    long completion = 0;
    for (Choice choice : choices) {
      Finish finish = choice.finish();
      completion += choice.outputTokens();
      if (finish != null && choice.index() % call.n() == 0) {
        cached += finish.cachedPromptTokens();
      }
    }
    return new Usage(call.promptTokens(), cached, completion);
  }

  static Usage soFar(Choice choice) {
    Finish finish = choice.finish();
    return new Usage(
        choice.prompt().ids().length,
        finish == null ? 0 : finish.cachedPromptTokens(),
        choice.outputTokens());
  }

  void write(JsonGenerator json) {
    json.writeObjectPropertyStart("usage");
    json.writeNumberProperty("prompt_tokens", promptTokens);
    json.writeNumberProperty("total_tokens", promptTokens + completionTokens);
    json.writeNumberProperty("completion_tokens", completionTokens);
    json.writeObjectPropertyStart("prompt_tokens_details");
    json.writeNumberProperty("cached_tokens", cachedTokens);
    json.writeEndObject();
    json.writeEndObject();
  }
}
