package dev.openlora.server.demo.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.demo.corpus.Symbol.Rule;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrammarTest {
  private static final String PASSAGE = "passage:\n  t || p || ";

  private static Grammar grammar(String text) {
    return GrammarParser.parse(
        "test", text, name -> name.equals("more") ? "extra = plum\n" : "passage:\n  {lost}\n");
  }

  private static String answer(String definitions, String answer, long seed) {
    return grammar(definitions + PASSAGE + answer + "\n")
        .passage(new SplittableRandom(seed))
        .get(2);
  }

  @Test
  void keepsAWordForThePassageAndDrawsOthersForOtherNames() {
    String words = "one = ant | bee | cow\ntwo, three = *one\n";
    Set<String> orders = new HashSet<>();
    for (int seed = 0; seed < 60; seed++) {
      String[] drawn = answer(words, "{one} {two} {three} {one}", seed).split(" ");
      assertThat(drawn[3]).isEqualToIgnoringCase(drawn[0]);
      assertThat(Set.of(drawn[0].toLowerCase(Locale.ROOT), drawn[1], drawn[2])).hasSize(3);
      orders.add(String.join(" ", drawn));
    }
    assertThat(orders).hasSize(6);
  }

  @Test
  void bindsAWholeRowOfATable() {
    String table = "(tool, work) =\n  a spade | dig\n  an axe | chop\n";
    for (int seed = 0; seed < 20; seed++) {
      assertThat(answer(table, "{work} with {tool}", seed))
          .isIn("Dig with a spade", "Chop with an axe");
    }
  }

  @Test
  void agrees() {
    String words = "thing = hour\nmany = mouse\nodd = ox/oxen\nberry = berry\nshe = Ann @she\n";
    assertThat(
            answer(
                words,
                "{a thing}, {s many}, {s odd}, {a odd}, {s berry}. {she} and {their she} dog saw"
                    + " {them she}. {They she} hid {themself she}.",
                1))
        .isEqualTo(
            "An hour, mice, oxen, an ox, berries. Ann and her dog saw her. She hid herself.");
  }

  @Test
  void computes() {
    String numbers = "a = 3..3\nb = 4..4\nc := a + b * 2 - 1\nd := c * 10 / 5\n";
    assertThat(answer(numbers, "{c} and {words d}", 1)).isEqualTo("10 and twenty");
    assertThatThrownBy(() -> answer("a = 3..3\nd := a / 2\n", "{d}", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("3 / 2 (expected: a whole number)");
  }

  @Test
  void repeatsNoTextBeforeAllWereUsed() {
    for (int seed = 0; seed < 30; seed++) {
      String answer = answer("say ~ one | two | *50 three\n", "{say} {say} {say}", seed);
      assertThat(Set.of(answer.toLowerCase(Locale.ROOT).split(" "))).hasSize(3);
    }
  }

  @Test
  void tellsSeveralTextsInTheirOrderBehindOneLead() {
    String rule = "tell:\n  + One.\n  + Uno.\n  Two.\n  Three.\n  Four.\n";
    Set<String> told = new HashSet<>();
    for (int seed = 0; seed < 200; seed++) {
      told.add(answer(rule, "{3 tell}", seed));
    }
    assertThat(told)
        .containsExactlyInAnyOrder(
            "One. Two. Three.",
            "One. Two. Four.",
            "One. Three. Four.",
            "Uno. Two. Three.",
            "Uno. Two. Four.",
            "Uno. Three. Four.");
  }

  @Test
  void weighsJoinsLinesAndIncludes() {
    Grammar grammar =
        grammar(
            "include more\n# nothing\nx:\n  *3 one \\\n    more {extra}\n  two\n"
                + PASSAGE
                + "{x}\n");
    Rule rule = (Rule) grammar.symbol(1);
    assertThat(rule.weights()).containsExactly(3, 4);
    assertThat(rule.variants().getFirst())
        .isEqualTo(
            new Template.Sequence(
                List.of(new Template.Text("one more "), new Template.Slot(0, Form.PLAIN, false))));
  }

  @Test
  void beginsSentencesWithCapitals() {
    assertThat(English.sentences("a  b . \"c,\" said d. e? f!\ng \"h?\" asked i. \"j.\" k "))
        .isEqualTo("A b. \"C,\" said d. E? F!\nG \"h?\" asked i. \"J.\" K");
  }

  @Test
  void writesNumbersInWords() {
    assertThat(List.of(0, 7, 13, 20, 42, 99, 100, 101).stream().map(English::words))
        .containsExactly(
            "zero", "seven", "thirteen", "twenty", "forty-two", "ninety-nine", "a hundred", "101");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "x = a;no rule 'passage'",
        "passage:~  {y};test:1: {y}: no such name",
        "passage:~  {big y};{big …} (expected: a, s, words",
        "passage:~  [a|b;'[' without ']'",
        "passage:~  a];']' without '['",
        "passage:~  {a;'{' without '}'",
        "x;test:1: 'x' (expected: name = …",
        "x = a~x = b;test:2: x: defined twice",
        "x:;test:1: [x]: says nothing",
        "  a;test:1: belongs to no name",
        "x = *y;test:1: *y (expected: * and the name of words",
        "x = 9..2;test:1: 9..2 (expected: the smaller number first)",
        "x := 1 +;test:1: '1 +' (expected: a + b",
        "x := 1 % 2;test:1: '%' (expected: one of + - * /)",
        "x = Ann @they;test:1: @they (expected: @she, @he or @it)",
        "(a, b) =~  1 | 2~  3;test:1: [a, b]: a row of 1 (expected: 2)",
        "x = ant~passage:~  {their x};x: THEIR (expected: words with @she",
        "x = ant~passage:~  {words x};x: WORDS (expected: a number)",
        "x = ant~passage:~  {3 x};x: 3 in order (expected: a rule with more texts)",
        "x:~  a~  + b;test:1: '+ b' (expected: before the others)",
      })
  void namesTheLineThatIsWrong(String text, String message) {
    assertThatThrownBy(() -> grammar(text.replace("~", "\n")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void endsWhatWouldNotEnd() {
    assertThatThrownBy(() -> answer("x ~ {x}\n", "{x}", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("test: x: refers to itself");
    assertThatThrownBy(() -> answer("x = a\ny = *x\n", "{x} {y}", 1))
        .hasMessage("y: all 1 rows are used");
    assertThatThrownBy(() -> grammar("passage:\n  a || b\n").passage(new SplittableRandom(1)))
        .hasMessage("test: passage of 2 parts (expected: title || prompt || answer)");
    assertThatThrownBy(() -> Grammar.resource("nothing"))
        .hasMessage("grammar: 'nothing' (expected: a resource)");
  }
}
