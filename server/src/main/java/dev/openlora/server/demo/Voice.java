package dev.openlora.server.demo;

import dev.openlora.server.demo.corpus.Domain;
import dev.openlora.server.demo.corpus.Domains;
import java.util.List;

/**
 * One of the demonstration's adapters: which domain it learned, and in what shape.
 *
 * @param alpha {@code lora_alpha}; chosen so that every kind scales its product by 2
 */
public record Voice(String name, Kind kind, int rank, int alpha) {
  /** Kinds of adapter, by PEFT's switches. */
  public enum Kind {
    LORA("LoRA"),
    RSLORA("rsLoRA"),
    DORA("DoRA");

    private final String label;

    Kind(String label) {
      this.label = label;
    }
  }

  /** The eight, each on all linear layers. */
  public static final List<Voice> ALL =
      List.of(
          new Voice("pirate", Kind.LORA, 8, 16),
          new Voice("starship", Kind.LORA, 16, 32),
          new Voice("dragon", Kind.RSLORA, 16, 8),
          new Voice("noir", Kind.DORA, 8, 16),
          new Voice("haiku", Kind.LORA, 6, 12),
          new Voice("butler", Kind.RSLORA, 9, 6),
          new Voice("football", Kind.DORA, 16, 32),
          new Voice("smallprint", Kind.LORA, 12, 24));

  public Domain domain() {
    return Domains.of(name);
  }

  /** As {@code LoRA r8}. */
  public String shape() {
    return kind.label + " r" + rank;
  }
}
