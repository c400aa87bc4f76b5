package dev.openlora.engine.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * The sources of a model's chat templates. The files {@code chat_template.jinja} and {@code
 * additional_chat_templates/NAME.jinja} go before {@code chat_template} in {@code
 * tokenizer_config.json}, which is one source or a list of named ones.
 *
 * @param source the default one
 * @param named the others, such as {@code tool_use} or {@code rag}
 */
public record ChatTemplates(Optional<String> source, Map<String, String> named) {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String DEFAULT = "default";
  private static final String SUFFIX = ".jinja";
  private static final int SOURCE_BYTES_MAX = 4 << 20;
  private static final int FILES_MAX = 64;

  public ChatTemplates {
    named = Collections.unmodifiableMap(new LinkedHashMap<>(named));
  }

  static ChatTemplates read(Path directory, JsonNode tokenizerConfig) throws IOException {
    Map<String, String> sources = new LinkedHashMap<>();
    JsonNode node = tokenizerConfig.path("chat_template");
    if (node.isString()) {
      sources.put(DEFAULT, node.stringValue());
    } else if (node.isArray()) {
      for (JsonNode entry : node) {
        if (!entry.path("name").isString() || !entry.path("template").isString()) {
          throw ModelJson.wrong(CONFIG, "chat_template", entry, "a name and a template");
        }
        sources.put(entry.get("name").stringValue(), entry.get("template").stringValue());
      }
    } else if (!node.isMissingNode() && !node.isNull()) {
      throw ModelJson.wrong(CONFIG, "chat_template", node, "a string or a list of named ones");
    }
    byte[] file = ModelJson.bytes(directory, "chat_template.jinja", SOURCE_BYTES_MAX);
    if (file != null) {
      sources.put(DEFAULT, new String(file, StandardCharsets.UTF_8));
    }
    for (String name : additional(directory)) {
      byte[] more =
          ModelJson.bytes(
              directory, "additional_chat_templates/" + name + SUFFIX, SOURCE_BYTES_MAX);
      sources.put(name, new String(Objects.requireNonNull(more), StandardCharsets.UTF_8));
    }
    Optional<String> source = Optional.ofNullable(sources.remove(DEFAULT));
    return new ChatTemplates(source, sources);
  }

  private static List<String> additional(Path directory) throws IOException {
    Path folder = directory.resolve("additional_chat_templates");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).limit(FILES_MAX).sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(SUFFIX)) {
          names.add(name.substring(0, name.length() - SUFFIX.length()));
        }
      }
    }
    return names;
  }
}
