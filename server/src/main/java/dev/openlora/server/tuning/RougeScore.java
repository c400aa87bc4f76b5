package dev.openlora.server.tuning;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * ROUGE-1, ROUGE-2 and ROUGE-L of an answer against a reference (Lin, ROUGE: A Package for
 * Automatic Evaluation of Summaries, 2004), as F1 from 0 to 1, without stemming. Words are runs of
 * letters, their marks, and digits in any script, in lower case; on ASCII text the numbers are
 * those of PyPI's rouge-score.
 */
public record RougeScore(double rouge1, double rouge2, double rougeL) {
  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{M}\\p{Nd}]+");

  /** The table of ROUGE-L takes work by the product of both lengths. */
  static final int WORDS_MAX = 20_000;

  public static RougeScore of(String answer, String reference) {
    List<String> given = words(answer);
    List<String> wanted = words(reference);
    return new RougeScore(
        shared(given, wanted, 1),
        shared(given, wanted, 2),
        f1(longestCommon(given, wanted), given.size(), wanted.size()));
  }

  /** The mean of each; zeros of none. */
  public static RougeScore mean(List<RougeScore> scores) {
    return new RougeScore(
        scores.stream().mapToDouble(RougeScore::rouge1).average().orElse(0),
        scores.stream().mapToDouble(RougeScore::rouge2).average().orElse(0),
        scores.stream().mapToDouble(RougeScore::rougeL).average().orElse(0));
  }

  private static List<String> words(String text) {
    List<String> words =
        BETWEEN_WORDS
            .splitAsStream(text.toLowerCase(Locale.ROOT))
            .filter(word -> !word.isEmpty())
            .limit(WORDS_MAX + 1L)
            .toList();
    if (words.size() > WORDS_MAX) {
      throw new IllegalArgumentException(
          "text: more than " + WORDS_MAX + " words (expected: at most)");
    }
    return words;
  }

  private static double shared(List<String> given, List<String> wanted, int n) {
    Map<List<String>, Integer> left = new HashMap<>();
    List<List<String>> wantedGrams = grams(wanted, n);
    wantedGrams.forEach(gram -> left.merge(gram, 1, Integer::sum));
    List<List<String>> givenGrams = grams(given, n);
    long matches = 0;
    for (List<String> gram : givenGrams) {
      if (left.getOrDefault(gram, 0) > 0) {
        left.merge(gram, -1, Integer::sum);
        matches++;
      }
    }
    return f1(matches, givenGrams.size(), wantedGrams.size());
  }

  static List<List<String>> grams(List<String> words, int n) {
    List<List<String>> grams = new ArrayList<>();
    for (int i = 0; i + n <= words.size(); i++) {
      grams.add(words.subList(i, i + n));
    }
    return grams;
  }

  private static int longestCommon(List<String> a, List<String> b) {
    int[] above = new int[b.size() + 1];
    for (String word : a) {
      int[] row = new int[b.size() + 1];
      for (int j = 1; j <= b.size(); j++) {
        row[j] = word.equals(b.get(j - 1)) ? above[j - 1] + 1 : Math.max(above[j], row[j - 1]);
      }
      above = row;
    }
    return above[b.size()];
  }

  private static double f1(long matches, int given, int wanted) {
    // 2 p r / (p + r) with p = matches / given and r = matches / wanted.
    return matches == 0 ? 0 : 2.0 * matches / (given + wanted);
  }
}
