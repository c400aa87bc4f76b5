package dev.openlora.engine.text.bpe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** BPE by its definition, slow and obvious: everything is counted again for each merge. */
final class PlainBpe {
  private PlainBpe() {}

  static List<BpeMerge> train(List<String> texts, List<String> specials, int vocabularySize) {
    List<List<Integer>> words = new ArrayList<>();
    for (String text : texts) {
      WordSplit.split(text, word -> words.add(bytes(word, specials.size())));
    }
    List<BpeMerge> merges = new ArrayList<>();
    for (int size = specials.size() + 256; size < vocabularySize; ) {
      Map<Long, Integer> counts = new TreeMap<>(); // by left id, then by right id
      for (List<Integer> word : words) {
        for (int i = 0; i + 1 < word.size(); i++) {
          counts.merge(((long) word.get(i) << 32) + word.get(i + 1), 1, Integer::sum);
        }
      }
      long best = -1;
      int most = 1;
      for (Map.Entry<Long, Integer> entry : counts.entrySet()) {
        if (entry.getValue() > most) {
          most = entry.getValue();
          best = entry.getKey();
        }
      }
      if (best < 0) {
        return merges;
      }
      merges.add(new BpeMerge((int) (best >> 32), (int) best));
      Map<BpeMerge, Integer> made = made(specials, merges);
      size = new BpeVocabulary(specials, merges).size();
      words.replaceAll(
          word -> merged(word, merges.getLast(), made.getOrDefault(merges.getLast(), -1)));
    }
    return merges;
  }

  /** The ids of a text without special tokens. */
  static List<Integer> encode(BpeVocabulary vocabulary, String text) {
    Map<BpeMerge, Integer> made = made(vocabulary.specialTokens(), vocabulary.merges());
    List<Integer> ids = new ArrayList<>();
    WordSplit.split(
        text,
        piece -> {
          List<Integer> word = bytes(piece, vocabulary.specialTokens().size());
          for (BpeMerge first; (first = first(vocabulary.merges(), word)) != null; ) {
            word = merged(word, first, made.getOrDefault(first, -1));
          }
          ids.addAll(word);
        });
    return ids;
  }

  /** The earliest merge that the word has a pair for. */
  private static @Nullable BpeMerge first(List<BpeMerge> merges, List<Integer> word) {
    for (BpeMerge merge : merges) {
      for (int i = 0; i + 1 < word.size(); i++) {
        if (word.get(i) == merge.left() && word.get(i + 1) == merge.right()) {
          return merge;
        }
      }
    }
    return null;
  }

  private static List<Integer> bytes(String word, int firstId) {
    List<Integer> ids = new ArrayList<>();
    for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
      ids.add(firstId + (b & 0xFF));
    }
    return ids;
  }

  private static Map<BpeMerge, Integer> made(List<String> specials, List<BpeMerge> merges) {
    Map<String, Integer> ids = new HashMap<>();
    List<String> tokens = new ArrayList<>(specials);
    for (int b = 0; b < 256; b++) {
      ids.put(String.valueOf((char) b), tokens.size());
      tokens.add(String.valueOf((char) b));
    }
    Map<BpeMerge, Integer> made = new HashMap<>();
    for (BpeMerge merge : merges) {
      String token = tokens.get(merge.left()) + tokens.get(merge.right());
      if (ids.putIfAbsent(token, tokens.size()) == null) {
        tokens.add(token);
      }
      made.put(merge, ids.get(token));
    }
    return made;
  }

  private static List<Integer> merged(List<Integer> word, BpeMerge merge, int id) {
    List<Integer> merged = new ArrayList<>();
    for (int i = 0; i < word.size(); i++) {
      if (i + 1 < word.size() && word.get(i) == merge.left() && word.get(i + 1) == merge.right()) {
        merged.add(id);
        i++;
      } else {
        merged.add(word.get(i));
      }
    }
    return merged;
  }
}
