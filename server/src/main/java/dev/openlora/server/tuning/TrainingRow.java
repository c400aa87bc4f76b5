package dev.openlora.server.tuning;

import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.attribution.datanet.RowId;

/**
 * A row to learn from or to measure on.
 *
 * @param place where it stands, for messages: {@code questions.jsonl:12} or {@code legends@3, row
 *     12}
 */
public record TrainingRow(String place, RowId id, RowContent content) {}
