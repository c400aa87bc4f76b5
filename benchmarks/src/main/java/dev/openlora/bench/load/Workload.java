package dev.openlora.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/**
 * The requests of a run: the same ones from the same values. No two prompts are alike, so that no
 * cache of prompts helps. Immutable.
 *
 * @param adapters how many the requests may go to
 */
record Workload(
    int requests,
    Lengths lengths,
    Prompts prompts,
    Popularity popularity,
    int adapters,
    long seed) {
  /** Tokens of every request. */
  record Lengths(int promptTokens, int newTokens) {}

  enum Prompts {
    /** Token ids, so that every server counts the same. */
    IDS,
    /** Words; how many tokens they are is the tokenizer's to say. */
    WORDS
  }

  /**
   * Ids that every vocabulary has, behind those of special tokens and bytes' first control codes.
   */
  private static final int ID_FIRST = 20;

  private static final int IDS = 200;

  private static final List<String> WORDS =
      List.of(
          "the", "river", "ran", "past", "an", "old", "mill", "and", "two", "dogs", "slept", "near",
          "warm", "stone", "while", "rain", "fell", "on", "green", "hills", "far", "from", "town",
          "where", "bells", "rang", "every", "morning", "before", "ships", "left", "harbour");

  List<Ask> asks() {
    Random random = new Random(seed);
    int[] drawn = popularity.draw(requests, adapters, random);
    List<Ask> asks = new ArrayList<>(requests);
    for (int adapter : drawn) {
      asks.add(
          switch (prompts) {
            case IDS -> new Ask(adapter, ids(random), lengths.promptTokens(), lengths.newTokens());
            case WORDS -> new Ask(adapter, words(random), 0, lengths.newTokens());
          });
    }
    return asks;
  }

  private ArrayNode ids(Random random) {
    ArrayNode ids = JsonMapper.shared().createArrayNode();
    for (int i = 0; i < lengths.promptTokens(); i++) {
      ids.add(ID_FIRST + random.nextInt(IDS));
    }
    return ids;
  }

  private JsonNode words(Random random) {
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < lengths.promptTokens(); i++) {
      words.append(i == 0 ? "" : " ").append(WORDS.get(random.nextInt(WORDS.size())));
    }
    return JsonMapper.shared().getNodeFactory().stringNode(words.toString());
  }
}
