package dev.openlora.attribution.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.attribution.datanet.RowContent.Message;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowContentTest {
  @Test
  void textHasTheDocumentedBytes() {
    assertThat(hex(new RowContent.Text("Aé\r\n"))).isEqualTo("01" + "00000004" + "41c3a90a");
  }

  @Test
  void aChatHasTheDocumentedBytes() {
    RowContent chat =
        new RowContent.Chat(List.of(new Message("user", "?"), new Message("assistant", "!")));

    assertThat(hex(chat))
        .isEqualTo(
            "02"
                + "00000002"
                + ("00000004" + "75736572" + "00000001" + "3f")
                + ("00000009" + "617373697374616e74" + "00000001" + "21"));
  }

  /** Digest of 01 00000003 616263, from {@code printf '\1\0\0\0\3abc' | sha256sum}. */
  @Test
  void theIdIsTheDigestOfTheBytes() {
    assertThat(RowId.of(new RowContent.Text("abc")))
        .hasToString("4e6d171e6ba6b04afeea0765165e9a77383afd2989eea2f933ce765a2116e65d");
  }

  @Test
  void aCarriageReturnAloneAndSpacesStay() {
    assertThat(new RowContent.Text(" a\rb \r\n ").text()).isEqualTo(" a\rb \n ");
  }

  /** Rows are read back from what was written, so the form of a form has to be itself. */
  @ParameterizedTest
  @ValueSource(strings = {"a\r\r\nb", "\r\r\r\na\r\n\r\nb", "a\n\r\n\rb\r\r"})
  void aFormHasNoOtherForm(String text) {
    String form = new RowContent.Text(text).text();

    assertThat(form).doesNotContain("\r\n");
    assertThat(new RowContent.Text(form).text()).isEqualTo(form);
  }

  @Test
  void composedAndDecomposedLettersAreTwoRows() {
    assertThat(RowId.of(new RowContent.Text("\u00e9")))
        .isNotEqualTo(RowId.of(new RowContent.Text("e\u0301")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " \t\r\n\u2003", "a\0b", "\ud83d", "x\ude00", "\ude00\ud83d"})
  void textWithoutCanonicalFormIsRefused(String text) {
    assertThatThrownBy(() -> new RowContent.Text(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("text: ");
  }

  @Test
  void aRowKnowsItsOwnId() {
    RowContent content = new RowContent.Text("abc");
    RowId other = RowId.of(new RowContent.Text("abd"));

    assertThatThrownBy(() -> new Row(other, content, Rows.ALICE, "MIT"))
        .hasMessageContaining(other.hex())
        .hasMessageContaining(RowId.of(content).hex());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " MIT", "MIT ", "a\nb", "<b>", "é"})
  void whatCannotBeALicenceIsRefused(String licence) {
    assertThatThrownBy(() -> Row.checkLicence(licence))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("licence: ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"MIT", "CC-BY-4.0", "GPL-2.0+", "(MIT OR Apache-2.0)", "LicenseRef-own", "A"})
  void licencesAreSpdxNamesAndExpressions(String licence) {
    assertThat(Row.checkLicence(licence)).isEqualTo(licence);
  }

  private static String hex(RowContent content) {
    return HexFormat.of().formatHex(content.canonicalBytes());
  }
}
