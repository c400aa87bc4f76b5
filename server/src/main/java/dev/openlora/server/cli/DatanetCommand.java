package dev.openlora.server.cli;

import dev.openlora.attribution.datanet.Addition;
import dev.openlora.attribution.datanet.AdditionListener;
import dev.openlora.attribution.datanet.Contributor;
import dev.openlora.attribution.datanet.Datanet;
import dev.openlora.attribution.datanet.DatanetException;
import dev.openlora.attribution.datanet.DatanetReference;
import dev.openlora.attribution.datanet.DatanetStore;
import dev.openlora.attribution.datanet.Excerpt;
import dev.openlora.attribution.datanet.Row;
import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.attribution.datanet.RowLimits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Sets of training rows with their contributors: adds to them, shows and checks them. */
@Command(
    name = "datanet",
    mixinStandardHelpOptions = true,
    description = "Add to, list, show and verify Datanets: training rows with their contributors.",
    subcommands = {
      DatanetCommand.Add.class,
      DatanetCommand.ListAll.class,
      DatanetCommand.Show.class,
      DatanetCommand.Verify.class
    })
final class DatanetCommand implements Runnable {
  private static final int SKIPPED_SHOWN = 10;
  private static final String FAILED = "reading or writing failed: ";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "datanet: add, list, show or verify?");
  }

  /** Where Datanets are. */
  static final class Folder {
    @Option(
        names = "--dir",
        paramLabel = "DIR",
        description =
            "folder of the Datanets (default: $OPENLORA_DATANETS, or else 'datanets' here)")
    private @Nullable Path dir;

    DatanetStore store() {
      return new DatanetStore(path(dir, System.getenv()));
    }

    static Path path(@Nullable Path flag, Map<String, String> environment) {
      String set = environment.getOrDefault("OPENLORA_DATANETS", "");
      return flag != null ? flag : Path.of(set.isBlank() ? "datanets" : set);
    }
  }

  /** Makes a new version with the rows of files. */
  @Command(
      name = "add",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Add the rows of files as a new version: all of them, or none when one is wrong.",
        "JSONL: a line {\"text\"}, {\"messages\"} or {\"prompt\", \"completion\"}; .txt: paragraphs;",
        ".md: sections; .csv: a header with text, or prompt and completion. JSONL and CSV rows may",
        "name a contributor and a licence of their own."
      })
  static final class Add implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Parameters(index = "0", paramLabel = "NAME", description = "the Datanet; made if it is new")
    private String name = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "FILE", description = "source files")
    private List<Path> files = List.of();

    @Option(
        names = "--contributor",
        required = true,
        paramLabel = "0x…",
        description = "address of whom the rows come from and who is paid for them")
    private String contributor = "";

    @Option(
        names = "--licence",
        required = true,
        paramLabel = "SPDX",
        description = "licence of the rows, such as CC-BY-4.0")
    private String licence = "";

    @Option(
        names = "--skip-duplicates",
        description = "leave out rows that are there already instead of refusing")
    private boolean skipDuplicates;

    @Override
    public Integer call() {
      Addition addition =
          new Addition(
              asked("", () -> DatanetReference.checkName(name)),
              files,
              asked("--", () -> new Contributor(contributor)),
              asked("--", () -> Row.checkLicence(licence)),
              skipDuplicates ? Addition.Duplicates.SKIP : Addition.Duplicates.REFUSE,
              RowLimits.DEFAULT);
      PrintWriter out = spec.commandLine().getOut();
      Skipped skipped = new Skipped();
      Datanet datanet =
          doing(() -> {
            try (Progress progress = Progress.ofBytes("rows", bytes(files))) {
              skipped.progress = progress;
              return folder.store().add(addition, skipped);
            }
          });
      skipped.print(out);
      out.printf(
          Locale.ROOT, "%s: %,d rows, root %s%n", datanet, datanet.rowCount(), datanet.root());
      out.flush();
      return 0;
    }

    private static long bytes(List<Path> files) throws IOException {
      long bytes = 0;
      for (Path file : files) {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
          throw new CommandFailure(2, "no such file: " + file);
        }
        bytes += file.toFile().length();
      }
      return bytes;
    }

    /** Counts what was left out, and names the first few. */
    private static final class Skipped implements AdditionListener {
      private final StringBuilder first = new StringBuilder();
      private @Nullable Progress progress;
      private long count;

      @Override
      public void onRead(long bytes) {
        if (progress != null) {
          progress.advance(bytes);
        }
      }

      @Override
      public void onSkipped(String file, long line, String before) {
        if (++count <= SKIPPED_SHOWN) {
          first.append(String.format("%s:%d: skipped: the same row as %s%n", file, line, before));
        }
      }

      void print(PrintWriter out) {
        out.print(first);
        if (count > 0) {
          out.printf(Locale.ROOT, "%,d duplicates skipped%n", count);
        }
      }
    }
  }

  /** The newest version of each. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List all Datanets; status 1 when one cannot be opened.")
  static final class ListAll implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Override
    public Integer call() {
      PrintWriter out = spec.commandLine().getOut();
      DatanetStore store = folder.store();
      boolean complete = true;
      for (String name : doing(store::names)) {
        try {
          Datanet datanet = doing(() -> store.open(name));
          out.printf(
              Locale.ROOT,
              "%-32s %,12d rows  %10s  root %s%n",
              datanet,
              datanet.rowCount(),
              size(datanet.byteCount()),
              datanet.root().substring(0, 16));
        } catch (CommandFailure e) {
          complete = false;
          spec.commandLine().getErr().println("openlora: " + e.getMessage());
        }
      }
      out.flush();
      spec.commandLine().getErr().flush();
      return complete ? 0 : 1;
    }
  }

  /** One version, from its manifest to its first rows. */
  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show a Datanet: its version, contributors, licences and first rows.")
  static final class Show implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Parameters(paramLabel = "NAME[@V]", description = "a Datanet (newest version), or a version")
    private String reference = "";

    @Option(
        names = "--rows",
        paramLabel = "N",
        defaultValue = "3",
        description = "how many rows to show (default: ${DEFAULT-VALUE})")
    private int rows;

    @Override
    public Integer call() {
      if (rows < 0) {
        throw new CommandFailure(2, "--rows: " + rows + " (expected: 0 or more)");
      }
      Datanet datanet = open(folder, reference);
      Datanet.Shares shares = doing(datanet::shares);
      PrintWriter out = spec.commandLine().getOut();
      out.println(datanet);
      out.println("  folder    " + datanet.folder());
      out.println("  manifest  " + datanet.manifestHash());
      out.println("  parent    " + datanet.parent().orElse("none"));
      out.println("  root      " + datanet.root());
      out.printf(
          Locale.ROOT, "  rows      %,d in %s%n", datanet.rowCount(), size(datanet.byteCount()));
      out.println("contributors");
      shares
          .contributors()
          .forEach((who, count) -> out.printf(Locale.ROOT, "  %s %,12d rows%n", who, count));
      out.println("licences");
      shares
          .licences()
          .forEach((what, count) -> out.printf(Locale.ROOT, "  %-42s %,12d rows%n", what, count));
      if (rows > 0) {
        out.println("first rows");
        doing(() -> {
          try (Stream<Row> all = datanet.rows()) {
            all.limit(rows).forEach(row -> print(out, row));
          }
          return null;
        });
      }
      out.flush();
      return 0;
    }

    private static void print(PrintWriter out, Row row) {
      String content =
          switch (row.content()) {
            case RowContent.Text text -> Excerpt.of(text.text(), 160);
            case RowContent.Chat chat ->
                chat.messages().stream()
                    .map(message -> message.role() + ": " + Excerpt.of(message.content(), 60))
                    .limit(4)
                    .collect(Collectors.joining(" | "));
          };
      out.printf(
          "  %s %s %s%n    %s%n",
          row.id().hex().substring(0, 16), row.contributor(), row.licence(), content);
    }
  }

  /** Recomputes what the manifests claim. */
  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description = {
        "Recompute every hash and root from the bytes on disk, and name the first thing that is",
        "wrong; status 1 then."
      })
  static final class Verify implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Parameters(
        arity = "0..1",
        paramLabel = "NAME[@V]",
        description = "a Datanet, with all versions up to V or the newest")
    private @Nullable String reference;

    @Option(names = "--all", description = "all Datanets of the folder")
    private boolean all;

    @Override
    public Integer call() {
      if (all == (reference != null)) {
        throw new CommandFailure(2, "datanet verify: which one? (expected: NAME, or --all)");
      }
      DatanetStore store = folder.store();
      List<String> references = reference != null ? List.of(reference) : doing(store::names);
      PrintWriter out = spec.commandLine().getOut();
      PrintWriter err = spec.commandLine().getErr();
      boolean right = true;
      for (String each : references) {
        try {
          Datanet datanet = open(folder, each);
          Datanet.Verification verification =
              doing(() -> {
                try (Progress progress = Progress.ofBytes(each, datanet.byteCount())) {
                  return datanet.verify(progress::advance);
                }
              });
          out.printf(
              Locale.ROOT,
              "%s: right: %,d rows in %d versions, root %s%n",
              datanet,
              verification.rows(),
              verification.versions(),
              datanet.root());
        } catch (CommandFailure e) {
          if (e.status() == 2) {
            throw e;
          }
          right = false;
          err.println("openlora: " + e.getMessage());
        }
      }
      out.flush();
      err.flush();
      return right ? 0 : 1;
    }
  }

  private static Datanet open(Folder folder, String reference) {
    DatanetReference parsed = asked("", () -> DatanetReference.parse(reference));
    return doing(() -> folder.store().open(parsed));
  }

  /** A value that the person gave; a wrong one is a wrong question. */
  private static <T> T asked(String prefix, Supplier<T> value) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(2, prefix + e.getMessage());
    }
  }

  private static <T> T doing(Callable<T> work) {
    try {
      return work.call();
    } catch (CommandFailure e) {
      throw e;
    } catch (DatanetException e) {
      throw new CommandFailure(1, String.valueOf(e.getMessage()));
    } catch (UncheckedIOException e) {
      throw new CommandFailure(1, FAILED + e.getCause());
    } catch (IOException e) {
      throw new CommandFailure(1, FAILED + e);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static String size(long bytes) {
    return bytes < 1024 * 1024
        ? String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0)
        : String.format(Locale.ROOT, "%,.1f MiB", bytes / (1024.0 * 1024));
  }
}
