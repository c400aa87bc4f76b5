package dev.openlora.server.tuning;

import dev.openlora.attribution.datanet.Datanet;
import dev.openlora.attribution.datanet.DatanetException;
import dev.openlora.attribution.datanet.DatanetStore;
import dev.openlora.attribution.datanet.ParsedRow;
import dev.openlora.attribution.datanet.Row;
import dev.openlora.attribution.datanet.RowId;
import dev.openlora.attribution.datanet.RowLimits;
import dev.openlora.attribution.datanet.RowReader;
import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.training.FolderWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * All rows of some Datanets and files, in the order in which they are named. A row that stands in
 * two of them is there twice.
 *
 * @param sources what the rows were read from, as a lineage names it
 * @param licences of Datanet rows and of rows that name one, in order of appearance
 */
public record TrainingRows(
    List<TrainingRow> rows, List<Lineage.Source> sources, Set<String> licences) {
  /** Examples are held in memory. */
  static final int ROWS_MAX = 2_000_000;

  public TrainingRows {
    rows = List.copyOf(rows);
    sources = List.copyOf(sources);
    licences = new LinkedHashSet<>(licences);
  }

  /**
   * Reads everything; rows are checked as they are read.
   *
   * @param datanets {@code NAME} or {@code NAME@VERSION}, in {@code store}
   * @param files JSON lines, text, Markdown or CSV by the name's ending
   */
  public static TrainingRows read(Path store, List<String> datanets, List<Path> files)
      throws IOException {
    if (datanets.isEmpty() && files.isEmpty()) {
      throw TuningException.wrong("data: none (expected: --datanet or --data)");
    }
    Reading reading = new Reading();
    try {
      for (String reference : datanets) {
        reading.datanet(new DatanetStore(store).open(reference));
      }
      for (Path file : files) {
        reading.file(file);
      }
    } catch (DatanetException | IllegalArgumentException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, String.valueOf(e.getMessage()), e);
    }
    return new TrainingRows(reading.rows, reading.sources, reading.licences);
  }

  private static final class Reading {
    private final List<TrainingRow> rows = new ArrayList<>();
    private final List<Lineage.Source> sources = new ArrayList<>();
    private final Set<String> licences = new LinkedHashSet<>();

    void datanet(Datanet datanet) {
      int number = 0;
      try (Stream<Row> stream = datanet.rows()) {
        for (Iterator<Row> each = stream.iterator(); each.hasNext(); ) {
          Row row = each.next();
          number++;
          licences.add(row.licence());
          add(new TrainingRow(datanet + ", row " + number, row.id(), row.content()));
        }
      }
      sources.add(
          new Lineage.Source.Datanet(
              datanet.name(),
              datanet.version(),
              datanet.manifestHash(),
              datanet.root(),
              datanet.rowCount()));
    }

    void file(Path file) throws IOException {
      int before = rows.size();
      try (RowReader reader = RowReader.open(file, RowLimits.DEFAULT)) {
        for (ParsedRow row; (row = reader.next()) != null; ) {
          String licence = row.licence();
          if (licence != null) {
            licences.add(licence);
          }
          add(new TrainingRow(file + ":" + row.line(), RowId.of(row.content()), row.content()));
        }
      }
      sources.add(
          new Lineage.Source.PlainFile(
              String.valueOf(file.getFileName()), FolderWriter.sha256(file), rows.size() - before));
    }

    private void add(TrainingRow row) {
      if (rows.size() == ROWS_MAX) {
        throw new IllegalArgumentException(
            row.place() + ": a row more than " + ROWS_MAX + " (expected: at most)");
      }
      rows.add(row);
    }
  }
}
