package dev.openlora.server.openai;

import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.engine.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JsonGenerator;

/** Log-probabilities in the three shapes that answers have. Any thread. */
final class LogprobJson {
  private static final float LOWEST = -9999; // JSON has no -Infinity

  private final Tokenizer tokenizer;

  LogprobJson(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Tokens with their log-probs; one whose list is empty (the first of a prompt) has null. */
  record Column(List<Integer> tokenIds, List<List<TokenLogprob>> logprobs) {}

  /**
   * The shape of completions: four parallel lists.
   *
   * @param top alternatives to show
   * @return where the next token begins
   */
  int writeCompletion(
      JsonGenerator json, List<Column> columns, int top, boolean tokensAsIds, int offset) {
    json.writeObjectPropertyStart("logprobs");
    json.writeArrayPropertyStart("text_offset");
    int next = offset;
    for (Column column : columns) {
      for (int id : column.tokenIds()) {
        json.writeNumber(next);
        String text = text(id);
        next += text.codePointCount(0, text.length());
      }
    }
    json.writeEndArray();
    json.writeArrayPropertyStart("token_logprobs");
    for (Column column : columns) {
      for (List<TokenLogprob> entry : column.logprobs()) {
        if (entry.isEmpty()) {
          json.writeNull();
        } else {
          json.writeNumber(finite(entry.getFirst()));
        }
      }
    }
    json.writeEndArray();
    json.writeArrayPropertyStart("tokens");
    for (Column column : columns) {
      for (int id : column.tokenIds()) {
        json.writeString(shown(id, tokensAsIds));
      }
    }
    json.writeEndArray();
    json.writeArrayPropertyStart("top_logprobs");
    for (Column column : columns) {
      for (List<TokenLogprob> entry : column.logprobs()) {
        writeAlternatives(json, entry, top, tokensAsIds);
      }
    }
    json.writeEndArray();
    json.writeEndObject();
    return next;
  }

  private void writeAlternatives(
      JsonGenerator json, List<TokenLogprob> entry, int top, boolean tokensAsIds) {
    if (entry.isEmpty()) {
      json.writeNull();
      return;
    }
    Map<String, Float> byText = new LinkedHashMap<>();
    for (TokenLogprob one : chosenAndBest(entry, top)) {
      byText.putIfAbsent(shown(one.tokenId(), tokensAsIds), finite(one));
    }
    json.writeStartObject();
    byText.forEach(json::writeNumberProperty);
    json.writeEndObject();
  }

  /** The shape of chats: one object per token. */
  void writeChat(JsonGenerator json, Column column, int top, boolean tokensAsIds) {
    json.writeObjectPropertyStart("logprobs");
    json.writeArrayPropertyStart("content");
    for (List<TokenLogprob> entry : column.logprobs()) {
      json.writeStartObject();
      writeChatToken(json, entry.getFirst(), tokensAsIds);
      json.writeArrayPropertyStart("top_logprobs");
      for (TokenLogprob one : best(entry, top)) {
        json.writeStartObject();
        writeChatToken(json, one, tokensAsIds);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void writeChatToken(JsonGenerator json, TokenLogprob token, boolean tokensAsIds) {
    json.writeStringProperty("token", shown(token.tokenId(), tokensAsIds));
    json.writeNumberProperty("logprob", finite(token));
    json.writeArrayPropertyStart("bytes");
    for (byte b : tokenizer.tokenBytes(token.tokenId())) {
      json.writeNumber(b & 0xff);
    }
    json.writeEndArray();
  }

  /** The shape of {@code prompt_logprobs}: null first, then objects by token id. */
  void writePrompt(JsonGenerator json, List<List<TokenLogprob>> prompt, int top) {
    json.writeArrayPropertyStart("prompt_logprobs");
    for (List<TokenLogprob> entry : prompt) {
      if (entry.isEmpty()) {
        json.writeNull();
        continue;
      }
      json.writeStartObject();
      for (TokenLogprob one : chosenAndBest(entry, top)) {
        json.writeObjectPropertyStart(Integer.toString(one.tokenId()));
        json.writeNumberProperty("logprob", finite(one));
        json.writeNumberProperty("rank", one.rank());
        json.writeStringProperty("decoded_token", text(one.tokenId()));
        json.writeEndObject();
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  String text(int tokenId) {
    return new String(tokenizer.tokenBytes(tokenId), StandardCharsets.UTF_8);
  }

  private String shown(int tokenId, boolean asId) {
    return asId ? "token_id:" + tokenId : text(tokenId);
  }

  private static List<TokenLogprob> chosenAndBest(List<TokenLogprob> entry, int top) {
    List<TokenLogprob> kept = new ArrayList<>();
    Set<Integer> ids = new HashSet<>();
    for (int i = 0; i < entry.size(); i++) {
      TokenLogprob one = entry.get(i);
      if ((i == 0 || one.rank() <= top) && ids.add(one.tokenId())) {
        kept.add(one);
      }
    }
    return kept;
  }

  private static List<TokenLogprob> best(List<TokenLogprob> entry, int top) {
    return chosenAndBest(entry, top).stream()
        .filter(one -> one.rank() <= top)
        .sorted(Comparator.comparingInt(TokenLogprob::rank))
        .limit(top)
        .toList();
  }

  private static float finite(TokenLogprob token) {
    return Float.isFinite(token.logprob()) ? Math.max(LOWEST, token.logprob()) : LOWEST;
  }
}
