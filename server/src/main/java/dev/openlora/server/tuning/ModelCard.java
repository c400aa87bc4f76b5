package dev.openlora.server.tuning;

import dev.openlora.attribution.lineage.Lineage;
import java.util.Collection;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The README.md of a folder, as Hugging Face reads it. */
final class ModelCard {
  private ModelCard() {}

  static String adapter(String name, Lineage lineage, Collection<String> licences) {
    Lineage.Base base = lineage.base();
    String baseName = base == null ? "" : base.name();
    return """
    ---
    library_name: peft
    base_model: %s
    tags: [lora, openlora]
    ---
    # %s

    An adapter for `%s` (content hash `%s`).

    %s
    Serve it with `./openlora serve --model BASE --adapters FOLDER-ABOVE`, or load it into a
    running server with `POST /v1/load_lora_adapter`. Where it comes from, row for row, is in
    `lineage.json`; how its loss fell, in `loss.svg` and `metrics.json`.
    """
        .formatted(
            quoted(baseName),
            name,
            baseName,
            base == null ? "" : base.sha256(),
            facts(lineage, licences));
  }

  static String model(String name, Lineage lineage, Collection<String> licences) {
    return """
    ---
    library_name: transformers
    tags: [openlora]
    ---
    # %s

    A model trained from random values.

    %s
    Where it comes from is in `lineage.json`; how its loss fell, in `loss.svg` and
    `metrics.json`.
    """
        .formatted(name, facts(lineage, licences));
  }

  private static String facts(Lineage lineage, Collection<String> licences) {
    String sources =
        lineage.sources().stream().map(ModelCard::source).collect(Collectors.joining(", "));
    return """
    | | |
    | --- | --- |
    | data | %s |
    | licences | %s |
    | rows | %d to learn from, %d held out |
    | steps, tokens | %s, %s |
    | loss at the end, nats per token | %s |
    | loss on held-out rows | %s |
    | seed | %d |
    | content SHA-256 | `%s` |
    """
        .formatted(
            sources,
            licences.isEmpty() ? "not named" : String.join(", ", licences),
            lineage.training().count(),
            lineage.heldOut().count(),
            lineage.metrics().path("steps"),
            lineage.metrics().path("trained_tokens"),
            loss(lineage.metrics().path("loss")),
            loss(lineage.metrics().path("held_out_loss")),
            lineage.seed(),
            lineage.contentSha256());
  }

  private static String source(Lineage.Source source) {
    return switch (source) {
      case Lineage.Source.Datanet datanet ->
          "Datanet `" + datanet.name() + "@" + datanet.version() + "`";
      case Lineage.Source.PlainFile file -> "file `" + file.name() + "`";
      case Lineage.Source.Generated generated -> "generated `" + generated.name() + "`";
    };
  }

  private static String loss(@Nullable JsonNode loss) {
    return loss == null || !loss.isNumber()
        ? "unknown"
        : String.format(Locale.ROOT, "%.4f", loss.doubleValue());
  }

  private static String quoted(String text) {
    return JsonMapper.shared().writeValueAsString(text);
  }
}
