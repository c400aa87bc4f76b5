package dev.openlora.attribution.datanet;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of dataset that is refused, with the line and the reason that the person reads. */
class BadDatasetTest {
  private static final RowLimits SMALL = new RowLimits(1000, 5, 4, 2000, 20_000);
  private static final String GOOD = "{\"text\":\"good\"}\n";
  private static final String USER = "{\"role\":\"user\",\"content\":\"hello\"}";
  private static final String ANSWER = "{\"role\":\"assistant\",\"content\":\"hi\"}";
  private static final String SYSTEM = "{\"role\":\"system\",\"content\":\"be kind\"}";

  @TempDir private Path folder = Path.of("");

  private record Bad(String story, String file, byte[] bytes, long line, String reason) {
    Bad(String story, String file, String content, long line, String reason) {
      this(story, file, content.getBytes(UTF_8), line, reason);
    }

    @Override
    public String toString() {
      return story;
    }
  }

  static Stream<Bad> all() {
    return Stream.of(json(), jsonRows(), chats(), encodings(), limits(), csv(), others())
        .flatMap(List::stream);
  }

  private static Bad row(String story, String json, String reason) {
    return new Bad(story, "a.jsonl", GOOD + json + "\n", 2, reason);
  }

  private static Bad messages(String story, String reason, String... messages) {
    return row(story, "{\"messages\":[" + String.join(",", messages) + "]}", reason);
  }

  private static List<Bad> json() {
    return List.of(
        row("broken JSON", "{\"text\":\"x\"", "no valid JSON at column "),
        row("a bare word", "hello", "no valid JSON at column 1"),
        row("single quotes", "{'text':'x'}", "no valid JSON"),
        row("a comma at the end", "{\"text\":\"x\",}", "no valid JSON"),
        row("a comment", "{\"text\":\"x\"} // x", "no valid JSON"),
        row("two objects on a line", "{\"text\":\"x\"}{\"text\":\"y\"}", "no valid JSON"),
        row("a tab inside a string", "{\"text\":\"a\tb\"}", "no valid JSON"),
        row("a wrong escape", "{\"text\":\"\\x41\"}", "no valid JSON"),
        row("a key twice", "{\"text\":\"x\",\"text\":\"y\"}", "no valid JSON"),
        row("a bomb of lists", "{\"text\":" + "[".repeat(900), "no valid JSON"),
        row("a bomb of objects", "{\"a\":".repeat(300), "no valid JSON"),
        row("a number of 500 digits", "{\"text\":" + "9".repeat(500) + "}", "no valid JSON"),
        row("a list", "[\"text\"]", "a JSON array (expected: an object)"),
        row("a string", "\"text\"", "a JSON string (expected: an object)"),
        row("null", "null", "a JSON null (expected: an object)"),
        new Bad(
            "a JSON document over lines", "a.jsonl", "{\n\"text\":\"x\"\n}", 1, "no valid JSON"));
  }

  private static List<Bad> jsonRows() {
    return List.of(
        row("no content", "{}", "no content (expected: one of text; messages; or"),
        row("only a licence", "{\"licence\":\"MIT\"}", "no content"),
        row("empty text", "{\"text\":\"\"}", "text: blank (expected: some text)"),
        row("text of spaces", "{\"text\":\" \\n\\t \"}", "text: blank"),
        row("text that is a number", "{\"text\":12}", "text: number (expected: text)"),
        row("a huge number as text", "{\"text\":1e999999999}", "text: number (expected: text)"),
        row("text that is null", "{\"text\":null}", "text: null (expected: text)"),
        row("text that is a list", "{\"text\":[\"x\"]}", "text: array (expected: text)"),
        row(
            "an unknown key",
            "{\"text\":\"x\",\"label\":1}",
            "label: an unknown key (expected: te"),
        row("license with s", "{\"text\":\"x\",\"license\":\"MIT\"}", "license: an unknown key"),
        row("two forms", "{\"text\":\"x\",\"prompt\":\"y\"}", "content in 2 forms (expected: one"),
        row("a prompt alone", "{\"prompt\":\"x\"}", "completion: missing (expected: text)"),
        row("a blank completion", "{\"prompt\":\"x\",\"completion\":\" \"}", "completion: blank"),
        row("an escaped NUL", "{\"text\":\"a\\u0000\"}", "text: a NUL at character 1"),
        row("a lone surrogate", "{\"text\":\"a\\ud83d\"}", "text: half a surrogate pair (U+D83D)"),
        row("a low surrogate", "{\"text\":\"\\ude00\"}", "text: half a surrogate pair (U+DE00)"),
        row(
            "a wrong checksum",
            "{\"text\":\"x\",\"contributor\":\"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"}",
            "contributor: '0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' has a wrong checksum"),
        row(
            "a short address",
            "{\"text\":\"x\",\"contributor\":\"0x12\"}",
            "contributor: '0x12' (expected: an address"),
        row("no address", "{\"text\":\"x\",\"contributor\":7}", "contributor: number"),
        row(
            "a blank licence",
            "{\"text\":\"x\",\"licence\":\"\"}",
            "licence: '' (expected: an SPDX"));
  }

  private static List<Bad> chats() {
    String tool = "{\"role\":\"tool\",\"content\":\"x\"}";
    String named = "{\"role\":\"user\",\"content\":\"x\",\"name\":\"bo\"}";
    return List.of(
        messages("no messages", "messages: none"),
        row(
            "messages that are text",
            "{\"messages\":\"hi\"}",
            "messages: string (expected: a list)"),
        messages("a message that is text", "messages[0]: string (expected: an object)", "\"hi\""),
        messages("a wrong role", "messages[1].role: 'tool' (expected: system,", USER, tool, ANSWER),
        messages(
            "a role in capitals", "messages[0].role: 'User'", USER.replace("us", "Us"), ANSWER),
        messages("no role", "messages[0].role: missing", "{\"content\":\"x\"}", ANSWER),
        messages("no content", "messages[0].content: missing", "{\"role\":\"user\"}", ANSWER),
        messages("blank content", "messages[0].content: blank", USER.replace("hello", ""), ANSWER),
        messages("a key too many", "messages[0].name: an unknown key", named, ANSWER),
        messages("two system messages", "messages[1].role: a second", SYSTEM, SYSTEM, USER, ANSWER),
        messages("a late system message", "messages[1].role: a system", USER, SYSTEM, ANSWER),
        messages("no answer", "messages[0].role: 'user' (expected: assistant", USER),
        messages("a question at the end", "messages[2].role: 'user' (ex", USER, ANSWER, USER),
        messages("only a system message", "messages[0].role: 'system' (expected: assi", SYSTEM),
        messages("the assistant begins", "messages[0].role: 'assistant' (expected: user", ANSWER),
        messages(
            "too many",
            "messages: 6 (expected: at most 4)",
            USER,
            ANSWER,
            USER,
            ANSWER,
            USER,
            ANSWER));
  }

  private static List<Bad> encodings() {
    byte[] surrogate =
        bytes(GOOD + "{\"text\":\"", new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80}, "\"}");
    byte[] overlong = bytes("", new byte[] {(byte) 0xC0, (byte) 0x80}, "");
    byte[] truncated = bytes(GOOD + "ab", new byte[] {(byte) 0xE2, (byte) 0x82}, "");
    return List.of(
        new Bad("UTF-16 with a mark", "a.jsonl", GOOD.getBytes(UTF_16), 1, "text in UTF-16"),
        new Bad(
            "UTF-16 the other way", "a.txt", "\ufeffab".getBytes(UTF_16LE), 1, "text in UTF-16"),
        new Bad(
            "UTF-16 without mark", "a.txt", "ab".getBytes(UTF_16BE), 1, "a NUL byte at offset 0"),
        new Bad(
            "Latin-1",
            "a.txt",
            "ab\n\ncaf\u00e9\n".getBytes(ISO_8859_1),
            3,
            "byte 0xE9 at offset 7"),
        new Bad(
            "Latin-1 in CSV",
            "a.csv",
            "text\na\n\u00e9\n".getBytes(ISO_8859_1),
            3,
            "byte 0xE9 at offset 7"),
        new Bad("a surrogate in UTF-8", "a.jsonl", surrogate, 2, "byte 0xED at offset 25 is not"),
        new Bad("an overlong NUL", "a.txt", overlong, 1, "byte 0xC0 at offset 0 is not UTF-8"),
        new Bad("half a character", "a.txt", truncated, 2, "byte 0xE2 at offset 18 is not UTF-8"),
        new Bad("a NUL byte", "a.txt", "good\n\na\0b", 3, "a NUL byte at offset 7"),
        new Bad("a second mark", "a.jsonl", "\ufeff" + GOOD + "\ufeff" + GOOD, 2, "no valid JSON"),
        new Bad("gzip", "a.jsonl", gzip(GOOD), 1, "gzip data (expected: text in UTF-8)"),
        new Bad("zip", "a.csv", "PK\3\4\5\6", 1, "a zip archive (expected: text in UTF-8)"));
  }

  private static List<Bad> limits() {
    String line = "{\"text\":\"" + "x".repeat(990) + "\"}\n";
    return List.of(
        row(
            "an over-long row",
            "{\"text\":\"" + "x".repeat(996) + "\"}",
            "a row of more than 1000 by"),
        row(
            "an over-long row in bytes",
            "{\"text\":\"" + "é".repeat(600) + "\"}",
            "a row of more than"),
        row("a long line", "{\"text\":" + " ".repeat(2000), "a line of more than 2000 bytes"),
        new Bad(
            "a long paragraph", "a.txt", "good\n\n" + "abc\n".repeat(300), 3, "a row of more than"),
        new Bad(
            "a long section",
            "a.md",
            "# A\na\n# B\n" + "abc\n".repeat(300),
            3,
            "a row of more than"),
        new Bad(
            "a long CSV field",
            "a.csv",
            "text\n\"" + "ab\n".repeat(400) + "\"",
            2,
            "a row of more"),
        new Bad("too many rows", "a.txt", "r\n\n".repeat(6), 11, "a row more than the 5 that are"),
        new Bad(
            "a large file",
            "a.jsonl",
            line.repeat(21),
            0,
            "21042 bytes (expected: at most 20000)"));
  }

  private static List<Bad> csv() {
    return List.of(
        new Bad(
            "an unclosed quote", "a.csv", "text\ngood\n\"never ends\nx\n", 3, "no valid CSV: Uncl"),
        new Bad("text after a quote", "a.csv", "text\n\"a\"b\n", 2, "no valid CSV: Unexpected"),
        new Bad(
            "a missing column", "a.csv", "prompt\nx\n", 1, "columns prompt (expected: text, or"),
        new Bad("no known column", "a.csv", "hello\nx\n", 1, "column 'hello' in the header"),
        new Bad("an unnamed column", "a.csv", "text,\nx,y\n", 1, "column '' in the header"),
        new Bad("a column twice", "a.csv", "text,text\nx,y\n", 1, "a column that stands twice"),
        new Bad(
            "both forms", "a.csv", "text,prompt,completion\na,b,c\n", 1, "columns text, prompt"),
        new Bad(
            "a field too few", "a.csv", "prompt,completion\na,b\na\n", 3, "1 fields (expected: 2"),
        new Bad(
            "a field too many", "a.csv", "text\na\n\"b\nb\"\nc,d\n", 5, "2 fields (expected: 1"),
        new Bad("a blank field", "a.csv", "prompt,completion\na,\n", 2, "completion: blank"),
        new Bad("a wrong address", "a.csv", "text,contributor\na,0x1\n", 2, "contributor: '0x1'"),
        new Bad(
            "semicolons", "a.csv", "prompt;completion\na;b\n", 1, "column 'prompt;completion'"));
  }

  private static List<Bad> others() {
    return List.of(
        new Bad("an empty file", "a.jsonl", "", 1, "no rows (expected: at least one)"),
        new Bad("a file of blank lines", "a.txt", "\n \n\n", 3, "no rows"),
        new Bad("a mark and nothing else", "a.md", "\ufeff", 1, "no rows"),
        new Bad("a header alone", "a.csv", "text\n", 1, "no rows"),
        new Bad("an unknown ending", "a.pdf", "x", 0, "its name's ending (expected: .jsonl,"),
        new Bad("no ending", "rows", "x", 0, "its name's ending"));
  }

  @ParameterizedTest
  @MethodSource("all")
  void isRefusedWithFileLineAndReason(Bad bad) throws IOException {
    Path file = Files.write(folder.resolve(bad.file()), bad.bytes());

    DatanetException refusal =
        catchThrowableOfType(DatanetException.class, () -> readAll(file, SMALL));

    assertThat(refusal).isNotNull();
    assertThat(refusal.reason()).startsWith(bad.reason()).doesNotContain("\n");
    assertThat(refusal.file()).isEqualTo(file.toString());
    assertThat(refusal.line()).isEqualTo(bad.line());
    assertThat(refusal)
        .hasMessage(file + (bad.line() > 0 ? ":" + bad.line() : "") + ": " + refusal.reason());
  }

  @ParameterizedTest
  @MethodSource("all")
  void addsNothingToADatanet(Bad bad) throws IOException {
    DatanetStore store = new DatanetStore(folder.resolve("datanets"));
    Path good = Rows.jsonl(folder.resolve("first.jsonl"), "kept");
    Path file = Files.write(folder.resolve(bad.file()), bad.bytes());
    Datanet before = store.add(Rows.addition("legends", good));

    assertThatThrownBy(() ->
            store.add(
                new Addition(
                    "legends",
                    List.of(file),
                    Rows.ALICE,
                    "MIT",
                    Addition.Duplicates.REFUSE,
                    SMALL)))
        .isInstanceOf(DatanetException.class);

    assertThat(store.open("legends").manifestHash()).isEqualTo(before.manifestHash());
    try (Stream<Path> segments = Files.list(before.folder().resolve(Segment.FOLDER))) {
      assertThat(segments).hasSize(1);
    }
  }

  @Test
  void aMissingFileIsRefused() {
    assertRefused(folder.resolve("none.jsonl"), "no such file");
  }

  @Test
  void aFolderIsRefused() throws IOException {
    assertRefused(Files.createDirectory(folder.resolve("a.jsonl")), "a folder (expected: a file)");
  }

  @Test
  void aLoopOfLinksIsRefused() throws IOException {
    Path one = folder.resolve("one.jsonl");
    Files.createSymbolicLink(folder.resolve("two.jsonl"), one);
    Files.createSymbolicLink(one, folder.resolve("two.jsonl"));

    assertRefused(one, "cannot be read: ");
  }

  @Test
  void aLinkToNowhereIsRefused() throws IOException {
    Path link = folder.resolve("a.jsonl");
    Files.createSymbolicLink(link, folder.resolve("none"));

    assertRefused(link, "no such file");
  }

  @Test
  void aDeviceIsRefused() throws IOException {
    Path link = folder.resolve("a.jsonl");
    Files.createSymbolicLink(link, Path.of("/dev/zero"));

    assertRefused(link, "a device or pipe (expected: a file)");
  }

  @Test
  void anEndlessLineIsRefusedWithoutReadingItAll() {
    Endless upload = new Endless();
    RowLimits shortLines = new RowLimits(1000, 5, 4, 2000, 1L << 40);

    assertThatThrownBy(() -> readAll(new RowReader("up", SourceFormat.JSONL, upload, shortLines)))
        .hasMessage("up:1: a line of more than 2000 bytes (expected: at most)");
    assertThat(upload.given).isLessThan(200_000);
  }

  @Test
  void anEndlessUploadOfShortLinesIsRefused() {
    InputStream upload =
        new InputStream() {
          private int i;

          @Override
          public int read() {
            return i++ % 2 == 0 ? ' ' : '\n';
          }
        };

    assertThatThrownBy(() -> readAll(new RowReader("up", SourceFormat.TEXT, upload, SMALL)))
        .isInstanceOf(DatanetException.class)
        .hasMessageContaining("more than 20000 bytes");
  }

  private static void assertRefused(Path file, String reason) {
    DatanetException refusal =
        catchThrowableOfType(DatanetException.class, () -> readAll(file, SMALL));
    assertThat(refusal).isNotNull();
    assertThat(refusal.file()).isEqualTo(file.toString());
    assertThat(refusal.line()).isZero();
    assertThat(refusal.reason()).startsWith(reason);
  }

  private static List<ParsedRow> readAll(Path file, RowLimits limits) throws IOException {
    return readAll(RowReader.open(file, limits));
  }

  private static List<ParsedRow> readAll(RowReader reader) throws IOException {
    List<ParsedRow> rows = new ArrayList<>();
    try (reader) {
      for (ParsedRow row; (row = reader.next()) != null; ) {
        rows.add(row);
      }
    }
    return rows;
  }

  private static byte[] bytes(String before, byte[] middle, String after) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(before.getBytes(UTF_8));
    all.writeBytes(middle);
    all.writeBytes(after.getBytes(UTF_8));
    return all.toByteArray();
  }

  private static byte[] gzip(String text) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed)) {
      new ByteArrayInputStream(text.getBytes(UTF_8)).transferTo(gzip);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return packed.toByteArray();
  }

  /** The letter x, for ever. */
  private static final class Endless extends InputStream {
    private long given;

    @Override
    public int read() {
      given++;
      return 'x';
    }
  }
}
