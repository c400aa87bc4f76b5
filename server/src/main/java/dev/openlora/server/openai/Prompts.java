package dev.openlora.server.openai;

import dev.openlora.engine.Engine;
import dev.openlora.engine.text.Tokenizer;
import dev.openlora.server.http.ApiException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads prompts: a text, a list of texts, token ids, a list of token id lists. */
final class Prompts {
  private static final String EXPECTED =
      "a string, a list of strings, a list of token ids or a list of token id lists";

  private final Engine engine;
  private final int countMax;

  Prompts(Engine engine, int countMax) {
    this.engine = engine;
    this.countMax = countMax;
  }

  /** The {@code prompt} field of a completion. */
  List<Prompt> parse(Fields fields, boolean echo, boolean skipSpecialTokens) throws ApiException {
    JsonNode value = fields.value("prompt");
    if (value == null || (value.isString() && value.stringValue().isEmpty())) {
      throw ApiException.badRequest(
          "prompt", "Either prompt or prompt_embeds must be provided and non-empty.");
    }
    boolean addSpecial = fields.flag("add_special_tokens", true);
    if (value.isString()) {
      return List.of(ofText(fields, "prompt", value.stringValue(), addSpecial));
    }
    if (!value.isArray()) {
      throw Fields.wrong("prompt", EXPECTED, value);
    }
    if (value.isEmpty()) {
      throw ApiException.badRequest("prompt", "You must pass at least one prompt");
    }
    if (value.get(0).isNumber()) {
      return List.of(ofIds(fields, "prompt", value, echo, skipSpecialTokens));
    }
    List<Prompt> prompts = new ArrayList<>();
    int i = 0;
    for (JsonNode item : Fields.array("prompt", value, EXPECTED, countMax)) {
      String path = "prompt[" + i++ + "]";
      if (item.isString() && !item.stringValue().isEmpty()) {
        prompts.add(ofText(fields, path, item.stringValue(), addSpecial));
      } else if (item.isArray() && !item.isEmpty()) {
        prompts.add(ofIds(fields, path, item, echo, skipSpecialTokens));
      } else {
        throw Fields.wrong(path, "a string or a list of token ids, not empty", item);
      }
    }
    return prompts;
  }

  Prompt ofText(Fields fields, String path, String text, boolean addSpecial) throws ApiException {
    int[] ids = truncated(fields, tokenizer().encode(text, addSpecial));
    if (ids.length == 0) {
      throw ApiException.badRequest(path, path + " must have at least one token, got none.");
    }
    return new Prompt(text, ids);
  }

  private Prompt ofIds(
      Fields fields, String path, JsonNode list, boolean echo, boolean skipSpecialTokens)
      throws ApiException {
    int[] ids = truncated(fields, ids(path, list, engine.model().vocabularySize()));
    return new Prompt(echo ? tokenizer().decode(ids, skipSpecialTokens) : "", ids);
  }

  static int[] ids(String path, JsonNode list, int vocabularySize) throws ApiException {
    int[] ids = new int[list.size()];
    int i = 0;
    for (JsonNode item : list) {
      if (!item.isIntegralNumber()) {
        throw Fields.wrong(path + "[" + i + "]", "a token id", item);
      }
      if (!item.canConvertToInt()) {
        throw ApiException.badRequest(
            path, "Token id " + Fields.shown(item) + " is out of vocabulary");
      }
      Sampling.checkTokenId(path, item.intValue(), vocabularySize);
      ids[i++] = item.intValue();
    }
    return ids;
  }

  /** Keeps the last tokens, or the first with {@code truncation_side} right. */
  private int[] truncated(Fields fields, int[] ids) throws ApiException {
    Integer length = fields.integer("truncate_prompt_tokens", Bounds.atLeast(-1));
    String side = fields.string("truncation_side");
    if (length == null) {
      return ids;
    }
    if (length == 0 || length > engine.maxModelLength()) {
      throw ApiException.badRequest(
          "truncate_prompt_tokens",
          "truncate_prompt_tokens must be -1 or in [1, "
              + engine.maxModelLength()
              + "], got "
              + length
              + ".");
    }
    if (side != null && !side.equals("left") && !side.equals("right")) {
      throw ApiException.badRequest(
          "truncation_side", "truncation_side must be 'left' or 'right'.");
    }
    int keep = Math.min(ids.length, length == -1 ? engine.maxModelLength() : length);
    return "right".equals(side)
        ? Arrays.copyOf(ids, keep)
        : Arrays.copyOfRange(ids, ids.length - keep, ids.length);
  }

  /** How long the answer may become. */
  int answerLength(Prompt prompt, @Nullable Integer maxTokens, @Nullable Integer absent)
      throws ApiException {
    int max = engine.maxModelLength();
    int rest = max - prompt.ids().length;
    int least = maxTokens != null && maxTokens == 0 ? 0 : 1;
    if (rest < least) {
      throw tooLong(
          max,
          "your prompt contains " + prompt.ids().length + " input tokens",
          prompt.ids().length);
    }
    if (maxTokens == null) {
      return absent == null ? rest : Math.min(absent, rest);
    }
    if (maxTokens > rest) {
      throw tooLong(
          max,
          "you requested "
              + maxTokens
              + " output tokens and your prompt contains "
              + prompt.ids().length
              + " input tokens, for a total of "
              + ((long) maxTokens + prompt.ids().length)
              + " tokens",
          prompt.ids().length);
    }
    return maxTokens;
  }

  static ApiException tooLong(int max, String what, int tokens) {
    return ApiException.badRequest(
        "input_tokens",
        "This model's maximum context length is "
            + max
            + " tokens. However, "
            + what
            + ". Please reduce the length of the input prompt or the number of requested output"
            + " tokens. (parameter=input_tokens, value="
            + tokens
            + ")");
  }

  private Tokenizer tokenizer() {
    return engine.tokenizer();
  }
}
