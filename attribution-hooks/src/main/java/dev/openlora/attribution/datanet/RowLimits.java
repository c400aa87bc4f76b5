package dev.openlora.attribution.datanet;

/**
 * How much a source of rows may hold.
 *
 * @param bytesPerRow of the content's canonical bytes
 * @param rowsPerAddition rows of all files of one addition together, duplicates included
 * @param messagesPerChat messages of one chat
 * @param bytesPerLine of one line of a file, without its line break
 * @param bytesPerFile of one file
 */
public record RowLimits(
    int bytesPerRow,
    long rowsPerAddition,
    int messagesPerChat,
    int bytesPerLine,
    long bytesPerFile) {
  public static final RowLimits DEFAULT =
      new RowLimits(256 << 10, 1_000_000, 256, 2 << 20, 1L << 30);

  /** How deep JSON may nest; a chat needs three. */
  static final int JSON_DEPTH = 16;

  /** Segments take no longer rows, whatever the limits of an addition. */
  static final int BYTES_PER_ROW_MAX = 1 << 20;

  /** Segments take no longer chats, whatever the limits of an addition. */
  static final int MESSAGES_PER_CHAT_MAX = 4096;

  public RowLimits {
    check("bytesPerRow", bytesPerRow, BYTES_PER_ROW_MAX);
    check("rowsPerAddition", rowsPerAddition, 1_000_000);
    check("messagesPerChat", messagesPerChat, MESSAGES_PER_CHAT_MAX);
    check("bytesPerLine", bytesPerLine, 16 << 20);
    check("bytesPerFile", bytesPerFile, 1L << 40);
  }

  private static void check(String name, long value, long max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 1.." + max + ")");
    }
  }
}
