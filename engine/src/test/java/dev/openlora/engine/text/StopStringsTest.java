package dev.openlora.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  @Test
  void holdsBackWhatMayBecomeAStopStringAndCutsBeforeIt() {
    StopStrings stops = new StopStrings(List.of("END", "\n\n"), false);
    assertThat(stops.append("one E")).isEqualTo("one ");
    assertThat(stops.append("N")).isEmpty();
    assertThat(stops.append("E")).isEqualTo("EN");
    assertThat(stops.append("ND and")).isEmpty();
    assertThat(stops.found()).isEqualTo("END");
    assertThat(stops.append("more")).isEmpty();
    assertThat(stops.flush()).isEmpty();
  }

  @Test
  void cutsBehindItWhenTheStopStringBelongsToTheAnswer() {
    StopStrings stops = new StopStrings(List.of("END"), true);
    assertThat(stops.append("a E")).isEqualTo("a ");
    assertThat(stops.append("ND b")).isEqualTo("END");
    assertThat(stops.found()).isEqualTo("END");
  }

  @Test
  void whatWaitedComesAtTheEnd() {
    StopStrings stops = new StopStrings(List.of("END"), false);
    assertThat(stops.append("the EN")).isEqualTo("the ");
    assertThat(stops.flush()).isEqualTo("EN");
    assertThat(stops.found()).isNull();
  }

  @Test
  void theMatchThatEndsFirstWinsAndTheLongestAtTheSameEnd() {
    StopStrings first = new StopStrings(List.of("abcd", "bc"), false);
    assertThat(first.append("xabcd")).isEqualTo("xa");
    assertThat(first.found()).isEqualTo("bc");
    StopStrings longest = new StopStrings(List.of("c", "abc"), false);
    assertThat(longest.append("xabc")).isEqualTo("x");
    assertThat(longest.found()).isEqualTo("abc");
  }

  @Test
  void refusesAnEmptyOneAndNeverFindsHalfACharacter() {
    assertThatThrownBy(() -> new StopStrings(List.of("a", ""), false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("stop: ''");
    StopStrings half = new StopStrings(List.of("\uDE00"), false);
    assertThat(half.append("😀")).isEqualTo("😀");
    StopStrings whole = new StopStrings(List.of("😀"), false);
    assertThat(whole.append("😁")).isEqualTo("😁");
    assertThat(whole.append("a😀")).isEqualTo("a");
  }

  @Test
  void agreesWithAnswersReadCharacterByCharacter() {
    long seed = Seeds.next("agreesWithAnswersReadCharacterByCharacter");
    Random random = new Random(seed);
    for (int run = 0; run < 20_000; run++) {
      String text = word(random, random.nextInt(40));
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        stops.add(word(random, 1 + random.nextInt(6)));
      }
      boolean include = random.nextBoolean();
      StopStrings streaming = new StopStrings(stops, include);
      StringBuilder got = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int end = at + 1 + random.nextInt(text.length() - at);
        got.append(streaming.append(text.substring(at, end)));
        at = end;
        if (streaming.found() == null) {
          assertThat(at - got.length()).isEqualTo(waiting(text.substring(0, at), stops));
        }
      }
      got.append(streaming.flush());
      assertThat(List.of(got.toString(), String.valueOf(streaming.found())))
          .as("seed %s, run %s: '%s' at %s", seed, run, text, stops)
          .isEqualTo(naive(text, stops, include));
    }
  }

  private static List<String> naive(String text, List<String> stops, boolean include) {
    for (int end = 1; end <= text.length(); end++) {
      String read = text.substring(0, end);
      String stop =
          stops.stream()
              .filter(read::endsWith)
              .max(Comparator.comparingInt(String::length))
              .orElse(null);
      if (stop != null) {
        return List.of(include ? read : read.substring(0, end - stop.length()), stop);
      }
    }
    return List.of(text, "null");
  }

  private static int waiting(String text, List<String> stops) {
    int longest = 0;
    for (String stop : stops) {
      for (int length = 1; length < stop.length(); length++) {
        longest = text.endsWith(stop.substring(0, length)) ? Math.max(longest, length) : longest;
      }
    }
    return longest;
  }

  private static String word(Random random, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append((char) ('a' + random.nextInt(2)));
    }
    return word.toString();
  }
}
