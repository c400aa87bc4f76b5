package dev.openlora.server.factory;

import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.demo.Voice;
import dev.openlora.server.tuning.Computation;
import dev.openlora.server.tuning.Evaluation;
import dev.openlora.server.tuning.TuningJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How well the base and every adapter predict every voice's held-out answers.
 *
 * @param lines by voice of the rows: the base first, then the adapters in the order of the voices
 */
record PerplexityTable(List<List<Evaluation.Line>> lines) {
  static PerplexityTable of(DemoFolder folder, Computation computation)
      throws IOException, InterruptedException {
    List<Path> adapters =
        Voice.ALL.stream().map(voice -> folder.adapters().resolve(voice.name())).toList();
    List<List<Evaluation.Line>> lines = new ArrayList<>();
    for (Voice voice : Voice.ALL) {
      TuningJob.Data data =
          new TuningJob.Data(
              folder.datanets(),
              List.of(),
              List.of(folder.heldOut().resolve(voice.name() + ".jsonl")),
              new TuningJob.HeldOutShare(0, false),
              TuningJob.Longer.REFUSED);
      Evaluation.Job job =
          new Evaluation.Job(folder.base(), adapters, data, null, 0, 1, computation);
      lines.add(new Evaluation(job, rows -> {}).run());
    }
    return new PerplexityTable(lines);
  }

  void write(Path file) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # What the adapters change

        Perplexity of each voice's held-out answers (60 rows that no adapter learned from): by the
        base, and by each adapter. A row is a voice's text, a column is who predicts it. In bold:
        the adapter of that voice, and how much lower than the base's its perplexity is.

        """);
    text.append("| text | base |");
    Voice.ALL.forEach(voice -> text.append(' ').append(voice.name()).append(" |"));
    text.append("\n|---|---|").append("---|".repeat(Voice.ALL.size())).append('\n');
    for (int row = 0; row < Voice.ALL.size(); row++) {
      List<Evaluation.Line> line = lines.get(row);
      double base = line.getFirst().perplexity();
      text.append("| ").append(Voice.ALL.get(row).name());
      text.append(String.format(Locale.ROOT, " | %.2f |", base));
      for (int column = 0; column < Voice.ALL.size(); column++) {
        double own = line.get(column + 1).perplexity();
        text.append(
            column == row
                ? String.format(Locale.ROOT, " **%.2f, −%.0f %%** |", own, 100 * (1 - own / base))
                : String.format(Locale.ROOT, " %.2f |", own));
      }
      text.append('\n');
    }
    Files.writeString(file, text);
  }
}
