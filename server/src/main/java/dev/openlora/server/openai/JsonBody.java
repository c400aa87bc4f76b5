package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Json;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request's body as a JSON object. UTF-8 is decoded here rather than by the JSON parser, which
 * would guess at other encodings; unpaired surrogates are refused because no tokenizer and no
 * answer can hold them.
 */
final class JsonBody {
  private static final String TYPE = "BadRequestError";

  private JsonBody() {}

  static ObjectNode parse(byte[] body) throws ApiException {
    String text = decode(body);
    if (text.isBlank()) {
      throw ApiException.badRequest("body", "The request body is empty (expected: a JSON object).");
    }
    JsonNode root;
    try {
      root = Json.MAPPER.readTree(text);
    } catch (JacksonException e) {
      var at = e.getLocation();
      long position = at == null ? 0 : Math.max(0, at.getCharOffset());
      throw new ApiException(
          400,
          TYPE,
          "body." + position,
          "JSON decode error at character "
              + position
              + (at == null
                  ? ""
                  : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")")
              + ": "
              + shortened(e.getOriginalMessage()));
    }
    if (!(root instanceof ObjectNode object)) {
      throw ApiException.badRequest(
          "body", "The request body must be a JSON object, got " + Fields.shown(root) + ".");
    }
    if (text.contains("\\u")) {
      refuseUnpairedSurrogates(object);
    }
    return object;
  }

  private static String decode(byte[] body) throws ApiException {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(body);
    CharBuffer out = CharBuffer.allocate(body.length);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      throw new ApiException(
          400,
          TYPE,
          "body." + in.position(),
          "The request body is not UTF-8: byte "
              + in.position()
              + " is 0x"
              + Integer.toHexString(body[in.position()] & 0xff)
              + ".");
    }
    out.flip();
    return out.length() > 0 && out.charAt(0) == '\uFEFF'
        ? out.subSequence(1, out.length()).toString()
        : out.toString();
  }

  private static void refuseUnpairedSurrogates(JsonNode node) throws ApiException {
    if (node.isString()) {
      checkPaired(node.stringValue());
    } else if (node.isArray()) {
      for (JsonNode item : node) {
        refuseUnpairedSurrogates(item);
      }
    } else if (node.isObject()) {
      for (var property : node.properties()) {
        checkPaired(property.getKey());
        refuseUnpairedSurrogates(property.getValue());
      }
    }
  }

  private static void checkPaired(String text) throws ApiException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw ApiException.badRequest(
            "body",
            "The request body has a string with half of a surrogate pair: \\u"
                + Integer.toHexString(c)
                + ".");
      }
    }
  }

  private static String shortened(String message) {
    String line = message.lines().findFirst().orElse("");
    return line.length() > 200 ? line.substring(0, 200) + "…" : line;
  }
}
