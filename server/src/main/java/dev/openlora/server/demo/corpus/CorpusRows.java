package dev.openlora.server.demo.corpus;

import dev.openlora.server.demo.corpus.Contributors.Contributor;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The Datanet of one adapter domain as two JSONL files, one to train on and one held out, with no
 * row in both. A row is {@code {"messages": [user, assistant], "contributor": 0x…, "licence": …}}.
 * The first contributor of a domain gave the most rows, the last the fewest.
 */
public final class CorpusRows {
  public static final String LICENCE = "CC-BY-4.0";
  public static final int ROWS_MAX = 1_000_000;

  private final Domain domain;
  private final List<Contributor> contributors;
  private final SplittableRandom passages;
  private final SplittableRandom authors;
  private final Set<String> written = new HashSet<>();

  /** Refuses a domain without contributors, which is one of the base. */
  public CorpusRows(Domain domain, long seed) {
    this.domain = domain;
    this.contributors = Contributors.of(domain);
    this.passages = new SplittableRandom(seed);
    this.authors = passages.split();
  }

  /**
   * Writes the next rows, all different from those that this object wrote before; call it once for
   * the training rows and once for the held-out ones.
   */
  public void write(Path file, int rows) throws IOException {
    if (rows < 1 || written.size() + (long) rows > ROWS_MAX) {
      throw new IllegalArgumentException(
          "rows: " + rows + " (expected: 1 to " + (ROWS_MAX - written.size()) + ")");
    }
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int left = rows; left > 0; ) {
        Passage passage = domain.passage(passages);
        if (written.add(passage.prompt() + "\n" + passage.answer())) {
          out.write(row(passage, author(authors)));
          out.write('\n');
          left--;
        }
      }
    }
  }

  private Contributor author(RandomGenerator random) {
    int count = contributors.size();
    return contributors.get(Math.min(random.nextInt(count), random.nextInt(count)));
  }

  private static String row(Passage passage, Contributor author) {
    ObjectNode row = JsonMapper.shared().createObjectNode();
    ArrayNode messages = row.putArray("messages");
    messages.addObject().put("role", "user").put("content", passage.prompt());
    messages.addObject().put("role", "assistant").put("content", passage.answer());
    return row.put("contributor", author.address()).put("licence", LICENCE).toString();
  }
}
