package dev.openlora.engine.text.bpe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Learns byte-level BPE: again and again the most frequent pair of neighbours becomes a token; of
 * equal pairs the one with the smaller left id, then the smaller right id. A pair inside one word
 * only counts (see {@link WordSplit}), so the work is in distinct words, not in text: each merge
 * visits the words that hold its pair. The same text gives the same vocabulary. One thread.
 */
public final class BpeTrainer {
  /** Ids fit the row count of any model trained here. */
  public static final int VOCABULARY_SIZE_MAX = 1 << 17;

  private static final int DISTINCT_WORDS_MAX = 1 << 22;
  private static final int WORD_BYTES_MAX = 1 << 10; // longer is no word, and is not counted
  private static final int PAIR_COUNT_MIN = 2;

  private final List<String> specialTokens;
  private final Pattern specials;
  private final Map<String, Long> words = new LinkedHashMap<>();

  /** A text that holds one of {@code specialTokens} is cut there, as encoding cuts it. */
  public BpeTrainer(List<String> specialTokens) {
    this.specialTokens = new BpeVocabulary(specialTokens, List.of()).specialTokens();
    String any =
        this.specialTokens.stream()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .map(Pattern::quote)
            .collect(Collectors.joining("|"));
    this.specials = Pattern.compile(any.isEmpty() ? "(?!)" : any);
  }

  /** Counts the words of one more text. */
  public void add(CharSequence text) {
    for (String part : specials.split(text)) {
      WordSplit.split(part, this::count);
    }
  }

  private void count(String word) {
    if (words.merge(word, 1L, Long::sum) == 1 && words.size() > DISTINCT_WORDS_MAX) {
      throw new IllegalArgumentException(
          "text: more distinct words (expected: at most " + DISTINCT_WORDS_MAX + ")");
    }
  }

  /**
   * Learns merges until there are {@code vocabularySize} tokens, specials and bytes included.
   *
   * @throws IllegalArgumentException when the size is out of range, or the text repeats too little
   */
  public BpeVocabulary train(int vocabularySize) {
    int smallest = specialTokens.size() + ByteAlphabet.SIZE;
    if (vocabularySize < smallest || vocabularySize > VOCABULARY_SIZE_MAX) {
      throw new IllegalArgumentException(
          "vocabularySize: "
              + vocabularySize
              + " (expected: "
              + smallest
              + " to "
              + VOCABULARY_SIZE_MAX
              + ")");
    }
    return new Training(vocabularySize).vocabulary();
  }

  /** A pair of neighbours: how often it stands in the text, and the words that may hold it. */
  private static final class Pair {
    final long key; // left id, right id
    long count;
    int[] holders = new int[4]; // word numbers; one that lost the pair may stay
    int holderCount;

    Pair(long key) {
      this.key = key;
    }

    void hold(int word) {
      if (holderCount > 0 && holders[holderCount - 1] == word) {
        return;
      }
      if (holderCount == holders.length) {
        holders = Arrays.copyOf(holders, 2 * holderCount);
      }
      holders[holderCount++] = word;
    }
  }

  /** What the queue knew of a pair when it was put there. */
  private record Candidate(long count, long key) {
    static final Comparator<Candidate> ORDER =
        Comparator.comparingLong(Candidate::count).reversed().thenComparingLong(Candidate::key);
  }

  private final class Training {
    private final int vocabularySize;
    private final List<int[]> symbols = new ArrayList<>(); // the tokens of each word
    private final List<Long> counts = new ArrayList<>();
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> queue = new PriorityQueue<>(Candidate.ORDER);
    private final Map<String, Integer> ids = new HashMap<>();
    private final List<String> letters = new ArrayList<>();
    private final List<BpeMerge> merges = new ArrayList<>();

    Training(int vocabularySize) {
      this.vocabularySize = vocabularySize;
      letters.addAll(specialTokens);
      for (int b = 0; b < ByteAlphabet.SIZE; b++) {
        ids.put(String.valueOf(ByteAlphabet.letter(b)), letters.size());
        letters.add(String.valueOf(ByteAlphabet.letter(b)));
      }
      words.forEach((word, count) -> {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 1 && bytes.length <= WORD_BYTES_MAX) {
          int[] tokens = new int[bytes.length];
          Arrays.setAll(tokens, i -> specialTokens.size() + (bytes[i] & 0xFF));
          symbols.add(tokens);
          counts.add(count);
        }
      });
      for (int word = 0; word < symbols.size(); word++) {
        tally(word, 1);
      }
      pairs.values().forEach(pair -> queue.add(new Candidate(pair.count, pair.key)));
    }

    BpeVocabulary vocabulary() {
      while (letters.size() < vocabularySize) {
        merge(mostFrequent());
      }
      return new BpeVocabulary(specialTokens, merges);
    }

    private Pair mostFrequent() {
      for (Candidate best; (best = queue.poll()) != null; ) {
        Pair pair = Objects.requireNonNull(pairs.get(best.key()));
        if (pair.count == best.count() && pair.count >= PAIR_COUNT_MIN) {
          return pair;
        }
        if (pair.count < best.count() && pair.count >= PAIR_COUNT_MIN) {
          queue.add(new Candidate(pair.count, pair.key));
        }
      }
      throw new IllegalArgumentException(
          "vocabularySize: "
              + vocabularySize
              + " (expected: at most "
              + letters.size()
              + ", what the text repeats)");
    }

    private void merge(Pair pair) {
      int left = (int) (pair.key >>> 32);
      int right = (int) pair.key;
      merges.add(new BpeMerge(left, right));
      String token = letters.get(left) + letters.get(right);
      Integer known = ids.putIfAbsent(token, letters.size());
      if (known == null) {
        letters.add(token);
      }
      int made = known == null ? letters.size() - 1 : known;
      for (int i = 0; i < pair.holderCount; i++) {
        int word = pair.holders[i];
        int[] merged = merged(symbols.get(word), left, right, made);
        if (merged.length < symbols.get(word).length) {
          tally(word, -1);
          symbols.set(word, merged);
          tally(word, 1);
          requeue(merged, made);
        }
      }
    }

    /** Adds or takes away what one word counts for its pairs. */
    private void tally(int word, int sign) {
      int[] tokens = symbols.get(word);
      for (int i = 0; i + 1 < tokens.length; i++) {
        Pair pair = pairs.computeIfAbsent(key(tokens[i], tokens[i + 1]), Pair::new);
        pair.count += sign * counts.get(word);
        if (sign > 0) {
          pair.hold(word);
        }
      }
    }

    /** The pairs of the new token grew; all others shrank, which the queue finds out by itself. */
    private void requeue(int[] tokens, int made) {
      for (int i = 0; i + 1 < tokens.length; i++) {
        if (tokens[i] == made || tokens[i + 1] == made) {
          Pair pair = Objects.requireNonNull(pairs.get(key(tokens[i], tokens[i + 1])));
          queue.add(new Candidate(pair.count, pair.key));
        }
      }
    }

    private static int[] merged(int[] tokens, int left, int right, int made) {
      int[] merged = new int[tokens.length];
      int n = 0;
      for (int i = 0; i < tokens.length; i++) {
        boolean here = i + 1 < tokens.length && tokens[i] == left && tokens[i + 1] == right;
        merged[n++] = here ? made : tokens[i];
        i += here ? 1 : 0;
      }
      return n == tokens.length ? tokens : Arrays.copyOf(merged, n);
    }

    private static long key(int left, int right) {
      return (long) left << 32 | right;
    }
  }
}
