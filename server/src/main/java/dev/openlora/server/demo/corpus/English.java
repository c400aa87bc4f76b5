package dev.openlora.server.demo.corpus;

import java.util.List;
import java.util.Map;

/** Agreement: articles, plurals, numbers in words, and capitals where sentences begin. */
final class English {
  private static final List<String> SILENT_H = List.of("hour", "honest", "honour", "heir");
  private static final List<String> LIKE_YOU = List.of("uni", "use", "usu", "one", "eu", "once");
  private static final Map<String, String> IRREGULAR =
      Map.ofEntries(
          Map.entry("mouse", "mice"),
          Map.entry("goose", "geese"),
          Map.entry("child", "children"),
          Map.entry("man", "men"),
          Map.entry("woman", "women"),
          Map.entry("tooth", "teeth"),
          Map.entry("foot", "feet"),
          Map.entry("sheep", "sheep"),
          Map.entry("fish", "fish"),
          Map.entry("deer", "deer"),
          Map.entry("potato", "potatoes"),
          Map.entry("tomato", "tomatoes"),
          Map.entry("mango", "mangoes"),
          Map.entry("knife", "knives"),
          Map.entry("loaf", "loaves"),
          Map.entry("leaf", "leaves"),
          Map.entry("shelf", "shelves"),
          Map.entry("scarf", "scarves"),
          Map.entry("wolf", "wolves"),
          Map.entry("half", "halves"));
  private static final String[] SMALL = {
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen"
  };
  private static final String[] TENS = {
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"
  };

  private English() {}

  static String article(String noun) {
    String word = noun.startsWith("\"") ? noun.substring(1) : noun;
    if (SILENT_H.stream().anyMatch(word::startsWith)) {
      return "an";
    }
    if (LIKE_YOU.stream().anyMatch(word::startsWith)) {
      return "a";
    }
    return !word.isEmpty() && "aeiouAEIO8".indexOf(word.charAt(0)) >= 0 ? "an" : "a";
  }

  /** The plural of a noun, which may have words before it: "red fox", "red foxes". */
  static String plural(String noun) {
    int last = noun.lastIndexOf(' ') + 1;
    String irregular = IRREGULAR.get(noun.substring(last));
    if (irregular != null) {
      return noun.substring(0, last) + irregular;
    }
    if (noun.endsWith("y")
        && noun.length() > 1
        && "aeou".indexOf(noun.charAt(noun.length() - 2)) < 0) {
      return noun.substring(0, noun.length() - 1) + "ies";
    }
    boolean hisses =
        noun.endsWith("s") || noun.endsWith("x") || noun.endsWith("ch") || noun.endsWith("sh");
    return noun + (hisses ? "es" : "s");
  }

  /** 0 to 100 in words; larger numbers stay digits. */
  static String words(int number) {
    if (number < 0 || number > 100) {
      return Integer.toString(number);
    }
    if (number == 100) {
      return "a hundred";
    }
    if (number < SMALL.length) {
      return SMALL[number];
    }
    return TENS[number / 10] + (number % 10 == 0 ? "" : "-" + SMALL[number % 10]);
  }

  /**
   * Capitals at the beginning and behind a full stop, an exclamation or question mark, or a line
   * end, and one blank where several stand together. What follows a question or exclamation in
   * quotes may go on in small letters.
   */
  static String sentences(CharSequence raw) {
    StringBuilder text = new StringBuilder(raw.length());
    boolean begins = true;
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      char before = text.isEmpty() ? '\n' : text.charAt(text.length() - 1);
      if (c == ' ' && (before == ' ' || before == '\n')) {
        continue;
      }
      if ((c == '\n' || ",.!?;".indexOf(c) >= 0) && before == ' ') {
        text.setLength(text.length() - 1);
      }
      text.append(begins ? Character.toUpperCase(c) : c);
      begins =
          switch (c) {
            case '.', '!', '?', '\n' -> true;
            case ' ', '*' -> begins;
            case '"' -> begins && (before == '.' || isSpace(before));
            case '-' -> begins && isSpace(before);
            default -> false;
          };
    }
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\n';
  }
}
