package dev.openlora.attribution.datanet;

import org.jspecify.annotations.Nullable;

/**
 * A row as it stands in a source file.
 *
 * @param line where it starts, from 1
 * @param contributor null: whoever brings the file
 * @param licence null: the file's
 */
public record ParsedRow(
    long line, RowContent content, @Nullable Contributor contributor, @Nullable String licence) {}
