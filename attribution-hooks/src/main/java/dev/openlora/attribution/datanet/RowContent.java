package dev.openlora.attribution.datanet;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a row says: a text, or a chat. Constructors bring text into its one form and refuse what has
 * none: LF after any number of CR becomes LF, and nothing else is changed (no trimming, no Unicode
 * normalization); blank text, NUL, and surrogates without their other half are refused with {@link
 * IllegalArgumentException}.
 *
 * <p>Canonical bytes, the input of {@link RowId}; u32 is four bytes, big-endian:
 *
 * <pre>
 * string  = u32 length in bytes, UTF-8 bytes
 * text    = 0x01, string
 * chat    = 0x02, u32 number of messages, then for each message: string role, string content
 * </pre>
 */
public sealed interface RowContent permits RowContent.Text, RowContent.Chat {
  /** See the class. */
  byte[] canonicalBytes();

  /** Plain text. */
  record Text(String text) implements RowContent {
    public Text {
      text = canonical("text", text);
    }

    @Override
    public byte[] canonicalBytes() {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      return ByteBuffer.allocate(1 + Integer.BYTES + utf8.length)
          .put((byte) 0x01)
          .putInt(utf8.length)
          .put(utf8)
          .array();
    }
  }

  /**
   * A conversation: at most one system message, which comes first; then a user message; the last
   * message is the assistant's.
   */
  record Chat(List<Message> messages) implements RowContent {
    public Chat {
      messages = List.copyOf(messages);
      check(messages);
    }

    @Override
    public byte[] canonicalBytes() {
      byte[][] strings = new byte[2 * messages.size()][];
      long bytes = 1 + Integer.BYTES;
      for (int i = 0; i < messages.size(); i++) {
        strings[2 * i] = messages.get(i).role().getBytes(StandardCharsets.UTF_8);
        strings[2 * i + 1] = messages.get(i).content().getBytes(StandardCharsets.UTF_8);
        bytes += 2L * Integer.BYTES + strings[2 * i].length + strings[2 * i + 1].length;
      }
      ByteBuffer canonical = ByteBuffer.allocate(Math.toIntExact(bytes));
      canonical.put((byte) 0x02).putInt(messages.size());
      for (byte[] string : strings) {
        canonical.putInt(string.length).put(string);
      }
      return canonical.array();
    }

    private static void check(List<Message> messages) {
      if (messages.isEmpty()) {
        throw new IllegalArgumentException("messages: none (expected: at least two)");
      }
      int first = messages.getFirst().role().equals(Message.SYSTEM) ? 1 : 0;
      for (int i = first; i < messages.size(); i++) {
        if (messages.get(i).role().equals(Message.SYSTEM)) {
          throw new IllegalArgumentException(
              "messages["
                  + i
                  + "].role: "
                  + (first == 1 ? "a second system message" : "a system message")
                  + " (expected: at most one, at the start)");
        }
      }
      if (first < messages.size() && !messages.get(first).role().equals(Message.USER)) {
        throw new IllegalArgumentException(
            "messages["
                + first
                + "].role: '"
                + messages.get(first).role()
                + "' (expected: user, who begins)");
      }
      if (!messages.getLast().role().equals(Message.ASSISTANT)) {
        throw new IllegalArgumentException(
            "messages["
                + (messages.size() - 1)
                + "].role: '"
                + messages.getLast().role()
                + "' (expected: assistant, who has the last word)");
      }
    }
  }

  /** One turn of a {@link Chat}. */
  record Message(String role, String content) {
    public static final String SYSTEM = "system";
    public static final String USER = "user";
    public static final String ASSISTANT = "assistant";

    public Message {
      if (!role.equals(SYSTEM) && !role.equals(USER) && !role.equals(ASSISTANT)) {
        throw new IllegalArgumentException(
            "role: '" + Excerpt.of(role) + "' (expected: system, user or assistant)");
      }
      content = canonical("content", content);
    }
  }

  private static String canonical(String field, String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException(field + ": blank (expected: some text)");
    }
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          field + ": a NUL at character " + text.indexOf('\0') + " (expected: none)");
    }
    CharBuffer characters = CharBuffer.wrap(text);
    try {
      StandardCharsets.UTF_8.newEncoder().encode(characters);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          String.format(
              "%s: half a surrogate pair (U+%04X) at character %d (expected: both halves)",
              field, (int) text.charAt(characters.position()), characters.position()),
          e);
    }
    return text.replaceAll("(?<!\r)\r++\n", "\n");
  }
}
