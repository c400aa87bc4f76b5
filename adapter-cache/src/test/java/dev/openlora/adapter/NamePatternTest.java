package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The expected columns are what Python 3.11's {@code re.fullmatch} says. */
class NamePatternTest {
  private static final String Q = "model.layers.10.self_attn.q_proj";

  private static boolean matches(String pattern, String name) throws AdapterException {
    return NamePattern.compile("target_modules", pattern)
        .matches(name, new NamePattern.Budget(1_000_000));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        ".*~true",
        ".*q_proj~true",
        "q_proj~false",
        ".*\\.q_proj~true",
        ".*\\.(q|v)_proj~true",
        ".*\\.(?:k|v)_proj~false",
        ".*layers\\.[02]\\..*~false",
        ".*layers\\.(1|10)\\..*~true",
        ".*layers\\.\\d+\\..*~true",
        ".*layers\\.\\d{2}\\..*~true",
        ".*layers\\.\\d{3,}\\..*~false",
        ".*layers\\.\\d{,2}\\..*~true",
        "^model\\..*_proj$~true",
        "^(?!.*visual).*_proj~true",
        "^(?!.*self_attn).*_proj~false",
        "(?=.*attn)model.*~true",
        "(?=.*mlp)model.*~false",
        "model\\.layers\\.1\\b.*~false",
        "model\\.layers\\.10\\b.*~true",
        "[a-z]+\\.[^.]+\\.[0-9]+\\.\\w+\\.\\w+~true",
        "[^m].*~false",
        "[]m]odel.*~true",
        "[a&&m]odel.*~true",
        "model.*?proj~true",
        "model\\Z.*~false",
        ".*proj\\Z~true",
        "model|.*q_proj~true",
        "(model|model\\.layers).*~true",
        "\\D+10\\D+~true",
        "\\S+~true",
        "(a*)*model.*~true",
      })
  void matchesAsPythonDoes(String pattern, boolean expected) throws AdapterException {
    assertThat(matches(pattern, Q)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a",
        "a)",
        "[a",
        "*a",
        "a**",
        "a*+",
        "a{2}{3}",
        "a{x",
        "(?i)a",
        "(?<=a)b",
        "(?P<n>a)",
        "(a)\\1",
        "\\h",
        "\\p{L}",
        "[z-a]",
        "[\\W]",
        "a\\",
        "^*",
        "(?=a)*",
        "a{5,2}",
        "[a-\\d]"
      })
  void refusesByKeyWhatItHasNoExactMeaningFor(String pattern) {
    assertThatThrownBy(() -> NamePattern.compile("target_modules", pattern))
        .isInstanceOf(AdapterException.class)
        .hasMessageContaining("target_modules");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$",
        "(a|a)*b",
        "((a*)*)*b",
        "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x",
        "((|){30}){30}b",
        "(?=(a+)+b)(?=(a+)+c).*",
        "(a?){500}a{500}"
      })
  void knowsNoPatternThatTakesLong(String pattern) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          try {
            assertThat(matches(pattern, "a".repeat(180) + "!")).isFalse();
          } catch (AdapterException e) {
            assertThat(e).hasMessageContaining("steps");
          }
        });
  }

  @Test
  void refusesWhatGrowsWhenWrittenOut() {
    assertThatThrownBy(() -> NamePattern.compile("rank_pattern", "((a{1000}){1000}){1000}"))
        .hasMessageContaining("rank_pattern")
        .hasMessageContaining("too large");
    assertThatThrownBy(() -> NamePattern.compile("rank_pattern", "a".repeat(1_001)))
        .hasMessageContaining("1001 characters");
    assertThatThrownBy(() -> NamePattern.compile("rank_pattern", "(".repeat(400)))
        .hasMessageContaining("groups");
  }
}
