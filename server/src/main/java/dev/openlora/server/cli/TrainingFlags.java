package dev.openlora.server.cli;

import dev.openlora.engine.training.TrainingConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The settings of a {@link TrainingConfig} as flags; what one refuses names the flag. */
final class TrainingFlags {
  private record Flag(String name, String key, String value, String description) {}

  private static final List<Flag> COMMON =
      List.of(
          new Flag("--batch-tokens", "batch_tokens", "N", "tokens of a batch (default: 2048)"),
          new Flag("--accumulation", "accumulation", "N", "batches of a step (default: 1)"),
          new Flag(
              "--max-length",
              "max_length",
              "N",
              "tokens of a row at most (default: 1024, or what fits a batch)"),
          new Flag("--learning-rate", "learning_rate", "X", "at its peak (default: 2e-4)"),
          new Flag(
              "--warmup",
              "warmup_share",
              "X",
              "share of the steps in which the rate rises (default: 0.1)"),
          new Flag(
              "--final-rate",
              "final_share",
              "X",
              "share of the peak that the rate falls to (default: 0.1)"),
          new Flag("--weight-decay", "weight_decay", "X", "of matrices (default: 0.01)"),
          new Flag("--clip-norm", "clip_norm", "X", "gradient norm at most, 0: any (default: 1)"),
          new Flag("--beta2", "beta2", "X", "of AdamW (default: 0.999)"),
          new Flag("--evaluate-every", "evaluate_every", "N", "steps (default: 50)"),
          new Flag(
              "--patience",
              "patience",
              "N",
              "stop after N evaluations without a better one, keep the best (default: 0, never)"),
          new Flag("--checkpoint-every", "checkpoint_every", "N", "steps (default: 100)"),
          new Flag("--seed", "seed", "N", "of everything random (default: 1)"));

  private final List<Flag> flags;

  private TrainingFlags(Flag... own) {
    this.flags =
        java.util.stream.Stream.concat(java.util.Arrays.stream(own), COMMON.stream()).toList();
  }

  /** Of {@code tune}. */
  static TrainingFlags ofTune() {
    return new TrainingFlags(
        new Flag("--epochs", "epochs", "N", "ways through all rows (default: 3)"),
        new Flag("--max-steps", "steps", "N", "steps, in the place of --epochs"));
  }

  /** Of {@code pretrain}. */
  static TrainingFlags ofPretrain() {
    return new TrainingFlags(
        new Flag("--epochs", "epochs", "N", "ways through the files"),
        new Flag("--steps", "steps", "N", "steps, in the place of --epochs"));
  }

  void addTo(CommandSpec command) {
    for (Flag flag : flags) {
      command.addOption(
          OptionSpec.builder(flag.name())
              .type(String.class)
              .paramLabel(flag.value())
              .description(flag.description())
              .build());
    }
  }

  /** The settings of a command line over the defaults of the flags. */
  TrainingConfig read(ParseResult parsed) {
    Map<String, String> settings = new LinkedHashMap<>(Map.of("seed", "1", "warmup_share", "0.1"));
    for (Flag flag : flags) {
      String given = parsed.matchedOptionValue(flag.name(), (String) null);
      if (given != null) {
        settings.put(flag.key(), given);
      }
    }
    if (settings.containsKey("epochs") && settings.containsKey("steps")) {
      throw new CommandFailure(
          2, "--epochs and " + name("steps") + ": both (expected: one of them)");
    }
    try {
      return TrainingConfig.of(settings);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(2, named(String.valueOf(e.getMessage())));
    }
  }

  /** A message that begins with a setting's key, with the flag in its place. */
  String named(String message) {
    int colon = message.indexOf(':');
    return colon < 0 ? message : name(message.substring(0, colon)) + message.substring(colon);
  }

  private String name(String key) {
    return flags.stream()
        .filter(flag -> flag.key().equals(key))
        .findFirst()
        .map(Flag::name)
        .orElse(key);
  }
}
