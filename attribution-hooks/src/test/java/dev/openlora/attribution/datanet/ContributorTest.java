package dev.openlora.attribution.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The addresses are the test cases of EIP-55. */
class ContributorTest {
  private static final String ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
        ADDRESS,
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
      })
  void spellsTheChecksumWhateverTheCase(String address) {
    String digits = address.substring(2);

    assertThat(new Contributor("0x" + digits.toLowerCase(Locale.ROOT))).hasToString(address);
    assertThat(new Contributor("0x" + digits.toUpperCase(Locale.ROOT))).hasToString(address);
    assertThat(new Contributor(address))
        .isEqualTo(new Contributor("0x" + digits.toLowerCase(Locale.ROOT)));
  }

  @Test
  void aMistypedDigitOrCaseIsRefused() {
    assertThatThrownBy(() -> new Contributor(ADDRESS.replace("5aA", "5AA")))
        .hasMessageContaining("wrong checksum")
        .hasMessageContaining(ADDRESS);
    assertThatThrownBy(() -> new Contributor(ADDRESS.replace("605", "606")))
        .hasMessageContaining("wrong checksum");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "alice",
        "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd",
        "0x0000000000000000000000000000000000000000"
      })
  void whatIsNoAddressIsRefused(String address) {
    assertThatThrownBy(() -> new Contributor(address))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("contributor: ");
  }

  @Test
  void givesTheTwentyBytes() {
    assertThat(new Contributor(ADDRESS).bytes())
        .isEqualTo(HexFormat.of().parseHex(ADDRESS.substring(2).toLowerCase(Locale.ROOT)));
  }
}
