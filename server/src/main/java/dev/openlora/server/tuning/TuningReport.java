package dev.openlora.server.tuning;

import java.io.PrintStream;
import java.util.Locale;

/** Tells somebody how a training goes. On the thread that trains. */
public interface TuningReport extends AutoCloseable {
  void on(TuningEvent event);

  @Override
  void close();

  /** How to tell. */
  enum Style {
    BAR,
    PLAIN,
    JSON;

    /** By its name in lower case. */
    public static Style parse(String text) {
      return switch (text) {
        case "bar" -> BAR;
        case "plain" -> PLAIN;
        case "json" -> JSON;
        default ->
            throw TuningException.wrong(
                "--progress: '" + text + "' (expected: bar, plain or json)");
      };
    }

    /**
     * @param out for what is told
     * @param err for warnings beside a bar and beside JSON
     */
    public TuningReport to(PrintStream out, PrintStream err) {
      return switch (this) {
        case BAR -> new BarReport(out, err);
        case PLAIN -> new PlainReport(out, System::nanoTime);
        case JSON -> new JsonReport(out, err);
      };
    }
  }

  /** Hours, minutes and seconds, as short as they are. */
  static String duration(double seconds) {
    if (!(seconds < 1e9)) {
      return "?";
    }
    long whole = Math.round(seconds);
    return whole >= 3600
        ? String.format(Locale.ROOT, "%dh%02dm", whole / 3600, whole / 60 % 60)
        : whole >= 60
            ? String.format(Locale.ROOT, "%dm%02ds", whole / 60, whole % 60)
            : whole + "s";
  }
}
