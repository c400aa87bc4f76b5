package dev.openlora.server.cli;

import dev.openlora.server.tuning.TuningJob;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which rows a command is about. */
final class DataFlags {
  private static final double HELD_OUT_DEFAULT = 0.1;

  @Option(
      names = "--datanet",
      paramLabel = "NAME[@V]",
      description = "a Datanet, its newest version or V (repeatable)")
  private List<String> datanets = new ArrayList<>();

  @Option(
      names = "--datanets",
      paramLabel = "DIR",
      description = "folder of the Datanets (default: $OPENLORA_DATANETS, or else 'datanets' here)")
  private @Nullable Path store;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      arity = "1..*",
      description = "rows as .jsonl, .txt, .md or .csv (repeatable)")
  private List<Path> files = new ArrayList<>();

  @Option(
      names = "--held-out",
      paramLabel = "X",
      description = "share of the rows that only measures (default of tune: 0.1)")
  private @Nullable Double heldOut;

  @Option(names = "--cut", description = "leave out the ends of rows that are too long")
  private boolean cut;

  boolean asksForHeldOut() {
    return heldOut != null;
  }

  TuningJob.Data read() {
    return new TuningJob.Data(
        DatanetCommand.Folder.path(store, System.getenv()),
        datanets,
        files,
        new TuningJob.HeldOutShare(heldOut == null ? HELD_OUT_DEFAULT : heldOut, heldOut != null),
        cut ? TuningJob.Longer.CUT : TuningJob.Longer.REFUSED);
  }
}
