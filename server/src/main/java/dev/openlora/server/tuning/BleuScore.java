package dev.openlora.server.tuning;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * BLEU of a set of answers against one reference each (Papineni et al., BLEU: a Method for
 * Automatic Evaluation of Machine Translation, 2002), from 0 to 100: n-grams up to 4, words as
 * NIST's mteval-v13a splits them, an n without a match counted as half as likely each time ("exp",
 * as mteval does). The numbers are those of PyPI's sacrebleu by default. One thread.
 */
public final class BleuScore {
  private static final int ORDER = 4;
  private static final Pattern SYMBOL = Pattern.compile("([\\p{Punct}&&[^'.,-]])");
  private static final Pattern STOP_AFTER_OTHER = Pattern.compile("([^0-9])([.,])");
  private static final Pattern STOP_BEFORE_OTHER = Pattern.compile("([.,])([^0-9])");
  private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");
  private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private final long[] matches = new long[ORDER];
  private final long[] totals = new long[ORDER];
  private long answerWords;
  private long referenceWords;

  /** Counts one more answer. */
  public void add(String answer, String reference) {
    List<String> given = words(answer);
    List<String> wanted = words(reference);
    answerWords += given.size();
    referenceWords += wanted.size();
    for (int n = 1; n <= ORDER; n++) {
      Map<List<String>, Integer> left = new HashMap<>();
      RougeScore.grams(wanted, n).forEach(gram -> left.merge(gram, 1, Integer::sum));
      for (List<String> gram : RougeScore.grams(given, n)) {
        totals[n - 1]++;
        if (left.getOrDefault(gram, 0) > 0) {
          left.merge(gram, -1, Integer::sum);
          matches[n - 1]++;
        }
      }
    }
  }

  /** Of all answers so far. */
  public double score() {
    if (matches[0] == 0 || totals[ORDER - 1] == 0) {
      return 0; // what has no match of one word has none of more
    }
    double halves = 1;
    double logs = 0;
    for (int i = 0; i < ORDER; i++) {
      halves *= matches[i] == 0 ? 2 : 1;
      logs += Math.log((matches[i] == 0 ? 1 / halves : matches[i]) / totals[i]);
    }
    double brevity =
        answerWords < referenceWords ? Math.exp(1 - (double) referenceWords / answerWords) : 1;
    return 100 * brevity * Math.exp(logs / ORDER);
  }

  static List<String> words(String text) {
    String line =
        text.stripTrailing().replace("<skipped>", "").replace("-\n", "").replace('\n', ' ');
    line =
        line.replace("&quot;", "\"")
            .replace("&amp;", "&")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
    line = SYMBOL.matcher(" " + line + " ").replaceAll(" $1 ");
    line = STOP_AFTER_OTHER.matcher(line).replaceAll("$1 $2 ");
    line = STOP_BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
    line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    return SPACE.splitAsStream(line).filter(word -> !word.isEmpty()).toList();
  }
}
