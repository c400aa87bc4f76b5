package dev.openlora.server.openai;

import java.util.List;
import java.util.Map;

/**
 * What a chat template is given. Values are JSON's: strings, booleans, numbers, lists, maps, null.
 *
 * @param messages each with role and content (a string), perhaps name and reasoning_content
 * @param arguments further template variables of the request ({@code chat_template_kwargs})
 */
public record ChatPrompt(
    List<Map<String, Object>> messages,
    boolean addGenerationPrompt,
    boolean continueFinalMessage,
    List<Object> documents,
    Map<String, Object> arguments) {}
