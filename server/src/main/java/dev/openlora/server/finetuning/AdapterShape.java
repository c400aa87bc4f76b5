package dev.openlora.server.finetuning;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What kind of adapter is made, in PEFT's words; null leaves it to the tuner.
 *
 * @param targetModules empty leaves it to the tuner
 */
public record AdapterShape(
    @Nullable Integer rank,
    @Nullable Double alpha,
    @Nullable Boolean dora,
    @Nullable Boolean rsLora,
    List<String> targetModules) {
  public static final AdapterShape AUTO = new AdapterShape(null, null, null, null, List.of());

  public AdapterShape {
    targetModules = List.copyOf(targetModules);
  }
}
