package dev.openlora.attribution.datanet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.attribution.datanet.RowContent.Chat;
import dev.openlora.attribution.datanet.RowContent.Message;
import dev.openlora.attribution.datanet.RowContent.Text;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RowReaderTest {
  private static final Chat QUESTION =
      new Chat(List.of(new Message("user", "Why?"), new Message("assistant", "Because.")));

  @Test
  void jsonLinesHaveThreeForms() throws IOException {
    List<ParsedRow> rows =
        read(
            SourceFormat.JSONL,
            """
            {"text": "one\\r\\ntwo \\ud83d\\ude00"}

            {"messages": [{"role": "user", "content": "Why?"},
            """
                    .strip()
                + "{\"content\": \"Because.\", \"role\": \"assistant\"}]}\r\n"
                + "{\"prompt\": \"Why?\", \"completion\": \"Because.\", \"licence\": \"MIT\","
                + " \"contributor\": \"0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359\"}");

    assertThat(rows)
        .containsExactly(
            new ParsedRow(1, new Text("one\ntwo 😀"), null, null),
            new ParsedRow(3, QUESTION, null, null),
            new ParsedRow(4, QUESTION, Rows.BOB, "MIT"));
  }

  @Test
  void textIsCutAtBlankLines() throws IOException {
    List<ParsedRow> rows =
        read(SourceFormat.TEXT, "\r\n\n  one\r\n two\r\n \t\r\nthree\n\n\nfour ");

    assertThat(rows)
        .containsExactly(
            new ParsedRow(3, new Text("  one\n two"), null, null),
            new ParsedRow(6, new Text("three"), null, null),
            new ParsedRow(9, new Text("four "), null, null));
  }

  @Test
  void markdownIsCutAtHeadings() throws IOException {
    List<ParsedRow> rows =
        read(
            SourceFormat.MARKDOWN,
            """
            Before.

            # Title

            ## First
            One.

            Two. #hashtag
            ```sh
            # no heading
            ```
            ###### Last
            ~~~
            ```
            # none either
            """);

    assertThat(rows)
        .containsExactly(
            new ParsedRow(1, new Text("Before."), null, null),
            new ParsedRow(
                3,
                new Text("# Title\n\n## First\nOne.\n\nTwo. #hashtag\n```sh\n# no heading\n```"),
                null,
                null),
            new ParsedRow(12, new Text("###### Last\n~~~\n```\n# none either"), null, null));
  }

  @Test
  void codeInASentenceOpensNoFence() throws IOException {
    assertThat(read(SourceFormat.MARKDOWN, "# A\n``` x ``` is code\n# B\nb\n")).hasSize(2);
  }

  @Test
  void csvHasAHeaderAndQuotedFieldsOverLines() throws IOException {
    List<ParsedRow> rows =
        read(
            SourceFormat.CSV,
            """
            licence,text, contributor
            MIT,"one, ""two""
            three",0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359

            ,four,
            """);

    assertThat(rows)
        .containsExactly(
            new ParsedRow(2, new Text("one, \"two\"\nthree"), Rows.BOB, "MIT"),
            new ParsedRow(5, new Text("four"), null, null));
  }

  @Test
  void csvOfPromptsIsChats() throws IOException {
    assertThat(read(SourceFormat.CSV, "completion,prompt\r\nBecause.,Why?\r\n"))
        .containsExactly(new ParsedRow(2, QUESTION, null, null));
  }

  @Test
  void aByteOrderMarkIsNoText() throws IOException {
    for (SourceFormat format : List.of(SourceFormat.TEXT, SourceFormat.MARKDOWN)) {
      assertThat(read(format, "\ufeffa"))
          .containsExactly(new ParsedRow(1, new Text("a"), null, null));
    }
    assertThat(read(SourceFormat.CSV, "\ufefftext\na\n")).hasSize(1);
    assertThat(read(SourceFormat.JSONL, "\ufeff{\"text\":\"a\"}")).hasSize(1);
  }

  @Test
  void theSameTextIsTheSameRowInEveryFormat() throws IOException {
    assertThat(
            List.of(
                read(SourceFormat.JSONL, "{\"text\":\"one\\r\\nt\\u0077o\"}").getFirst().content(),
                read(SourceFormat.TEXT, "one\r\ntwo").getFirst().content(),
                read(SourceFormat.MARKDOWN, "one\ntwo\n").getFirst().content(),
                read(SourceFormat.CSV, "text\n\"one\r\ntwo\"\n").getFirst().content()))
        .extracting(RowId::of)
        .containsOnly(RowId.of(new Text("one\ntwo")));
  }

  @Test
  void aRowOfExactlyTheLimitIsTaken() throws IOException {
    RowLimits limits = new RowLimits(105, 1, 2, 200, 200);

    assertThat(read(SourceFormat.TEXT, "x".repeat(100), limits)).hasSize(1);
  }

  @Test
  void linesLongerThanABufferAreWhole() throws IOException {
    String text = "é漢".repeat(40_000);

    assertThat(read(SourceFormat.TEXT, text + "\n\n" + text + "y"))
        .extracting(ParsedRow::content)
        .containsExactly(new Text(text), new Text(text + "y"));
  }

  private static List<ParsedRow> read(SourceFormat format, String content) throws IOException {
    return read(format, content, RowLimits.DEFAULT);
  }

  /** Reads twice, once through a stream that gives one byte at a time. */
  private static List<ParsedRow> read(SourceFormat format, String content, RowLimits limits)
      throws IOException {
    byte[] bytes = content.getBytes(UTF_8);
    List<ParsedRow> rows = read(format, new ByteArrayInputStream(bytes), limits);
    InputStream slow =
        new FilterInputStream(new ByteArrayInputStream(bytes)) {
          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            return super.read(target, offset, Math.min(1, length));
          }
        };
    assertThat(read(format, slow, limits)).isEqualTo(rows);
    return rows;
  }

  private static List<ParsedRow> read(SourceFormat format, InputStream in, RowLimits limits)
      throws IOException {
    List<ParsedRow> rows = new ArrayList<>();
    try (RowReader reader = new RowReader("upload", format, in, limits)) {
      for (ParsedRow row; (row = reader.next()) != null; ) {
        rows.add(row);
      }
    }
    return rows;
  }
}
