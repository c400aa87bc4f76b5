package dev.openlora.server.demo.corpus;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A kind of text with a voice of its own. Immutable; any thread.
 *
 * @param name short, of small letters, as in an adapter's id
 * @param description one line for a person who chooses
 */
public record Domain(String name, String description, Grammar grammar) {

  /** The next passage; the same numbers give the same one. */
  public Passage passage(RandomGenerator random) {
    List<String> parts = grammar.passage(random);
    return new Passage(this, parts.get(0), parts.get(1), parts.get(2));
  }

  @Override
  public String toString() {
    return name;
  }
}
