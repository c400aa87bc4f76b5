package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.server.admission.RequestSlots.Slot;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Reply;
import tools.jackson.databind.JsonNode;

/** {@code POST /tokenize} and {@code POST /detokenize}. */
final class TokenHandler {
  private final Engine engine;
  private final Generations generations;
  private final ModelSelector selector;
  private final ChatMessages messages;

  TokenHandler(
      Engine engine, Generations generations, ModelSelector selector, ChatMessages messages) {
    this.engine = engine;
    this.generations = generations;
    this.selector = selector;
    this.messages = messages;
  }

  void tokenize(Exchange exchange) throws ApiException {
    try (Slot slot = generations.slot()) {
      Fields fields = new Fields(JsonBody.parse(exchange.request().body()));
      selector.select(fields).close();
      boolean chat = fields.has("messages");
      String text = chat ? messages.render(fields) : fields.string("prompt");
      if (text == null) {
        throw ApiException.badRequest("prompt", "Either prompt or messages must be provided.");
      }
      int[] ids = engine.tokenizer().encode(text, fields.flag("add_special_tokens", !chat));
      boolean names = fields.flag("return_token_strs", false);
      exchange.reply(
          Reply.json(json -> {
            json.writeStartObject();
            json.writeNumberProperty("count", ids.length);
            json.writeNumberProperty("max_model_len", engine.maxModelLength());
            json.writeArrayPropertyStart("tokens");
            for (int id : ids) {
              json.writeNumber(id);
            }
            json.writeEndArray();
            if (names) {
              json.writeArrayPropertyStart("token_strs");
              for (int id : ids) {
                json.writeString(engine.tokenizer().tokenName(id));
              }
              json.writeEndArray();
            } else {
              json.writeNullProperty("token_strs");
            }
            json.writeEndObject();
          }));
    }
  }

  void detokenize(Exchange exchange) throws ApiException {
    try (Slot slot = generations.slot()) {
      Fields fields = new Fields(JsonBody.parse(exchange.request().body()));
      selector.select(fields).close();
      JsonNode tokens = fields.value("tokens");
      if (tokens == null || !tokens.isArray()) {
        throw ApiException.badRequest(
            "tokens",
            "tokens must be a list of token ids, got "
                + (tokens == null ? "nothing" : Fields.shown(tokens))
                + ".");
      }
      int[] ids = Prompts.ids("tokens", tokens, engine.model().vocabularySize());
      String text = engine.tokenizer().decode(ids, false);
      exchange.reply(
          Reply.json(json -> {
            json.writeStartObject();
            json.writeStringProperty("prompt", text);
            json.writeEndObject();
          }));
    }
  }
}
