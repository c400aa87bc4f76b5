package dev.openlora.server.openai;

import dev.openlora.engine.sampling.TokenLogprob;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/** Answers of {@code /v1/completions}. */
final class CompletionFormat implements AnswerFormat {
  private static final String OBJECT = "text_completion";

  private final LogprobJson logprobs;
  private final String fingerprint;

  CompletionFormat(LogprobJson logprobs, String fingerprint) {
    this.logprobs = logprobs;
    this.fingerprint = fingerprint;
  }

  @Override
  public String chunkObject() {
    return OBJECT;
  }

  @Override
  public void writeBody(JsonGenerator json, GenerationCall call, List<Choice> choices) {
    boolean echo = call.options().echo();
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, OBJECT);
    json.writeArrayPropertyStart("choices");
    for (Choice choice : choices) {
      json.writeStartObject();
      json.writeNumberProperty("index", choice.index());
      json.writeStringProperty("text", (echo ? choice.prompt().text() : "") + choice.text());
      writeLogprobs(json, call, choice, echo, true);
      AnswerFormat.writeEnd(json, choice);
      writeIds(json, call, choice, true);
      List<List<TokenLogprob>> ofPrompt = choice.promptLogprobs();
      if (ofPrompt != null && call.sampling().promptLogprobs() >= 0) {
        logprobs.writePrompt(json, ofPrompt, call.sampling().promptLogprobs());
      } else {
        json.writeNullProperty("prompt_logprobs");
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    Usage.of(call, choices).write(json);
    json.writeNullProperty("service_tier");
    AnswerFormat.writeOwn(json, call, fingerprint);
    json.writeEndObject();
  }

  @Override
  public boolean hasOpening(GenerationCall call) {
    return call.options().echo();
  }

  @Override
  public void writeOpening(JsonGenerator json, GenerationCall call, Choice choice) {
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, OBJECT);
    json.writeArrayPropertyStart("choices");
    json.writeStartObject();
    json.writeNumberProperty("index", choice.index());
    json.writeStringProperty("text", choice.prompt().text());
    writeLogprobs(json, call, choice, true, false);
    json.writeNullProperty("finish_reason");
    json.writeNullProperty("stop_reason");
    json.writeEndObject();
    json.writeEndArray();
    if (call.options().includeUsage()) {
      json.writeNullProperty("usage");
    }
    json.writeEndObject();
  }

  @Override
  public void writeChunk(JsonGenerator json, GenerationCall call, Choice choice) {
    json.writeStartObject();
    AnswerFormat.writeHead(json, call, OBJECT);
    json.writeArrayPropertyStart("choices");
    json.writeStartObject();
    json.writeNumberProperty("index", choice.index());
    json.writeStringProperty("text", choice.text());
    writeLogprobs(json, call, choice, false, true);
    AnswerFormat.writeEnd(json, choice);
    writeIds(json, call, choice, choice.outputTokens() == choice.tokenIds().size());
    json.writeEndObject();
    json.writeEndArray();
    AnswerFormat.writeChunkTail(json, call, choice, fingerprint);
    json.writeEndObject();
  }

  private void writeLogprobs(
      JsonGenerator json, GenerationCall call, Choice choice, boolean prompt, boolean answer) {
    if (call.sampling().logprobs() < 0) {
      json.writeNullProperty("logprobs");
      return;
    }
    List<LogprobJson.Column> columns = new ArrayList<>();
    List<List<TokenLogprob>> ofPrompt = choice.promptLogprobs();
    if (prompt && ofPrompt != null) {
      columns.add(new LogprobJson.Column(AnswerFormat.ids(choice.prompt().ids()), ofPrompt));
    }
    if (answer) {
      columns.add(new LogprobJson.Column(choice.tokenIds(), choice.logprobs()));
    }
    choice.textOffset(
        logprobs.writeCompletion(
            json,
            columns,
            call.sampling().logprobs(),
            call.options().tokensAsIds(),
            choice.textOffset()));
  }

  private static void writeIds(
      JsonGenerator json, GenerationCall call, Choice choice, boolean first) {
    boolean asked = call.options().returnTokenIds();
    AnswerFormat.writeIds(json, "token_ids", asked, choice.tokenIds());
    AnswerFormat.writeIds(
        json,
        "prompt_token_ids",
        asked && first,
        asked && first ? AnswerFormat.ids(choice.prompt().ids()) : List.of());
  }
}
