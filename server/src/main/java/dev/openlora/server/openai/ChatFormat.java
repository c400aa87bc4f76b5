package dev.openlora.server.openai;

import dev.openlora.engine.sampling.TokenLogprob;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  private static final String CHUNK = "chat.completion.chunk";

  private final LogprobJson logprobs;
  private final String fingerprint;

  ChatFormat(LogprobJson logprobs, String fingerprint) {
    this.logprobs = logprobs;
    this.fingerprint = fingerprint;
  }

  @Override
  public String chunkObject() {
    return CHUNK;
  }

  @Override
  public void writeBody(JsonGenerator json, GenerationCall call, List<Choice> choices) {
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, "chat.completion");
    json.writeArrayPropertyStart("choices");
    for (Choice choice : choices) {
      json.writeStartObject();
      json.writeNumberProperty("index", choice.index());
      json.writeObjectPropertyStart("message");
      json.writeStringProperty("role", "assistant");
      json.writeStringProperty("content", choice.text());
      json.writeNullProperty("refusal");
      json.writeEndObject();
      writeLogprobs(json, call, choice);
      AnswerFormat.writeEnd(json, choice);
      AnswerFormat.writeIds(json, "token_ids", call.options().returnTokenIds(), choice.tokenIds());
      json.writeEndObject();
    }
    json.writeEndArray();
    Usage.of(call, choices).write(json);
    Choice first = choices.getFirst();
    List<List<TokenLogprob>> ofPrompt = first.promptLogprobs();
    if (ofPrompt != null) {
      logprobs.writePrompt(json, ofPrompt, call.sampling().promptLogprobs());
    } else {
      json.writeNullProperty("prompt_logprobs");
    }
    AnswerFormat.writeIds(
        json,
        "prompt_token_ids",
        call.options().returnTokenIds(),
        call.options().returnTokenIds() ? AnswerFormat.ids(first.prompt().ids()) : List.of());
    json.writeNullProperty("service_tier");
    AnswerFormat.writeOwn(json, call, fingerprint);
    json.writeEndObject();
  }

  @Override
  public boolean hasOpening(GenerationCall call) {
    return true;
  }

  @Override
  public void writeOpening(JsonGenerator json, GenerationCall call, Choice choice) {
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, CHUNK);
    json.writeArrayPropertyStart("choices");
    json.writeStartObject();
    json.writeNumberProperty("index", choice.index());
    json.writeObjectPropertyStart("delta");
    json.writeStringProperty("role", "assistant");
    json.writeStringProperty("content", "");
    json.writeEndObject();
    json.writeNullProperty("logprobs");
    json.writeNullProperty("finish_reason");
    json.writeEndObject();
    json.writeEndArray();
    if (call.options().returnTokenIds()) {
      AnswerFormat.writeIds(
          json, "prompt_token_ids", true, AnswerFormat.ids(choice.prompt().ids()));
    }
    if (call.options().usageEverywhere()) {
      new Usage(choice.prompt().ids().length, 0, 0).write(json);
    } else if (call.options().includeUsage()) {
      json.writeNullProperty("usage");
    }
    json.writeEndObject();
  }

  @Override
  public void writeChunk(JsonGenerator json, GenerationCall call, Choice choice) {
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, CHUNK);
    json.writeArrayPropertyStart("choices");
    json.writeStartObject();
    json.writeNumberProperty("index", choice.index());
    json.writeObjectPropertyStart("delta");
    if (choice.hasText()) {
      json.writeStringProperty("content", choice.text());
    }
    json.writeEndObject();
    writeLogprobs(json, call, choice);
    AnswerFormat.writeEnd(json, choice);
    AnswerFormat.writeIds(json, "token_ids", call.options().returnTokenIds(), choice.tokenIds());
    json.writeEndObject();
    json.writeEndArray();
    AnswerFormat.writeChunkTail(json, call, choice, fingerprint);
    json.writeEndObject();
  }

  private void writeLogprobs(JsonGenerator json, GenerationCall call, Choice choice) {
    if (call.sampling().logprobs() < 0 || choice.logprobs().isEmpty()) {
      json.writeNullProperty("logprobs");
      return;
    }
    logprobs.writeChat(
        json,
        new LogprobJson.Column(choice.tokenIds(), choice.logprobs()),
        call.sampling().logprobs(),
        call.options().tokensAsIds());
  }
}
