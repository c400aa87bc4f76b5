package dev.openlora.server.demo.corpus;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a name of a grammar stands for. Immutable. */
sealed interface Symbol {
  /**
   * One of several texts, another one each time until all were used.
   *
   * @param leads how many variants, the first ones, may begin where several are told in order
   * @param weights running sums
   */
  record Rule(int pool, List<Template> variants, int leads, int[] weights) implements Symbol {}

  /** A column of a table; the first use of any of its columns binds a whole row. */
  record Column(Table table, int column) implements Symbol {}

  /** A number, both ends included, bound at its first use. */
  record Range(int low, int high) implements Symbol {}

  record Computed(Sum sum) implements Symbol {}

  /**
   * Rows of words.
   *
   * @param pool where the used rows are noted; tables that share rows share it, so that no row is
   *     drawn twice in a passage
   * @param symbols the names of the columns
   */
  record Table(int pool, String name, int[] symbols, List<List<Entry>> rows) {}

  /** A word or phrase, with its plural where that is irregular, and the pronouns of a character. */
  record Entry(Template text, @Nullable String plural, @Nullable Pronouns pronouns) {}
}
