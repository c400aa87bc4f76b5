package dev.openlora.server.demo.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The texts agree with themselves: sums, amounts, and who is who. Read from the text alone. */
class FactsTest {
  private static final int DRAWS = 5_000;
  private static final Pattern EQUATION = Pattern.compile("(\\d+) ([-+*/]) (\\d+) = (\\d+)");
  private static final Pattern RESULT =
      Pattern.compile("(?:[Aa]nswer is|Answer:) (\\d+)\\.", Pattern.DOTALL);
  private static final Pattern AMOUNT =
      Pattern.compile("\\b(\\d+) (g of|spoons? of|cups of|bag of)? ?([a-z]+)");
  private static final Set<String> NO_INGREDIENTS =
      Set.of("minutes", "degrees", "people", "glasses");

  @Test
  void everySumIsRight() {
    for (Passage passage : CorpusTest.passages(Domains.of("sums"), DRAWS)) {
      List<Integer> known = numbers(passage.prompt());
      int last = -1;
      int count = 0;
      for (Matcher m = EQUATION.matcher(passage.answer()); m.find(); count++) {
        int left = Integer.parseInt(m.group(1));
        int right = Integer.parseInt(m.group(3));
        last = Integer.parseInt(m.group(4));
        int wanted =
            switch (m.group(2)) {
              case "+" -> left + right;
              case "-" -> left - right;
              case "*" -> left * right;
              default -> left / right;
            };
        assertThat(last).as(passage.answer()).isEqualTo(wanted).isPositive();
        assertThat(known).as(passage.toString()).contains(left, right);
        known.add(last);
      }
      assertThat(count).as(passage.answer()).isPositive();
      Matcher result = RESULT.matcher(passage.answer());
      if (result.find()) {
        assertThat(Integer.parseInt(result.group(1))).as(passage.answer()).isEqualTo(last);
      } else {
        assertThat(count).as("one answer a question: %s", passage.answer()).isEqualTo(3);
      }
    }
  }

  @Test
  void everyStepUsesWhatTheListNames() {
    for (Passage passage : CorpusTest.passages(Domains.of("recipes"), DRAWS)) {
      String[] parts =
          passage.answer().split("\n\n(?=Steps|How to|Mix|(?:Cut|Chop|Slice|Dice) the)");
      assertThat(parts).as(passage.answer()).hasSize(2);
      int amounts = 0;
      for (Matcher m = AMOUNT.matcher(parts[1]); m.find(); ) {
        if (!NO_INGREDIENTS.contains(m.group(3))) {
          String wanted =
              m.group().equals(m.group(1) + " cups of liquid")
                  ? m.group(1) + " cups of"
                  : m.group();
          assertThat(parts[0]).as(passage.answer()).contains(wanted);
          amounts++;
        }
      }
      assertThat(amounts).as(passage.answer()).isGreaterThanOrEqualTo(4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"stories", "accounts", "sums", "starship", "dragon"})
  void aPronounHasSomeoneToStandFor(String name) {
    Domain domain = Domains.of(name);
    Map<String, Pronouns> people = people(domain);
    assertThat(people).isNotEmpty();
    int checked = 0;
    for (Passage passage : CorpusTest.passages(domain, DRAWS)) {
      String text = passage.prompt() + " " + passage.answer();
      Set<Pronouns> there =
          people.entrySet().stream()
              .filter(entry -> text.toLowerCase(Locale.ROOT).contains(entry.getKey()))
              .map(Map.Entry::getValue)
              .collect(Collectors.toCollection(TreeSet::new));
      if (there.equals(Set.of(Pronouns.SHE)) && !speaksOfOthers(text)) {
        assertThat(said(text, "he|him|his|himself")).as(text).isEmpty();
        checked++;
      } else if (there.equals(Set.of(Pronouns.HE)) && !speaksOfOthers(text)) {
        assertThat(said(text, "she|her|hers|herself")).as(text).isEmpty();
        checked++;
      }
    }
    assertThat(checked).isGreaterThan(DRAWS / 20);
  }

  /** Persons without a name: "A kind woman pointed …", the knight at the gate. */
  private static boolean speaksOfOthers(String text) {
    return Pattern.compile("\\b(woman|judge|mother|milk a cow|cat|knight|stranger)\\b")
        .matcher(text)
        .find();
  }

  private static Map<String, Pronouns> people(Domain domain) {
    Map<String, Pronouns> people = new HashMap<>();
    for (Symbol symbol : domain.grammar().symbols()) {
      if (symbol instanceof Symbol.Column(Symbol.Table table, int column)) {
        for (List<Symbol.Entry> row : table.rows()) {
          Symbol.Entry entry = row.get(column);
          if (entry.pronouns() != null && entry.text() instanceof Template.Text(String text)) {
            people.put(text.toLowerCase(Locale.ROOT), entry.pronouns());
          }
        }
      }
    }
    return people;
  }

  private static List<String> said(String text, String words) {
    return Pattern.compile("\\b(?:" + words + ")\\b", Pattern.CASE_INSENSITIVE)
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .toList();
  }

  private static List<Integer> numbers(String text) {
    List<Integer> numbers = new ArrayList<>();
    Matcher matcher = Pattern.compile("\\d+").matcher(text);
    while (matcher.find()) {
      numbers.add(Integer.parseInt(matcher.group()));
    }
    return numbers;
  }
}
