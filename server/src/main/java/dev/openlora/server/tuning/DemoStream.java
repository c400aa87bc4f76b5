package dev.openlora.server.tuning;

import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.attribution.datanet.RowId;
import dev.openlora.engine.training.Example;
import dev.openlora.engine.training.ExampleSet;
import dev.openlora.server.demo.corpus.Corpus;
import dev.openlora.server.demo.corpus.Passage;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The demonstration's passages as examples, without end: three of four as a chat, of which the
 * answer counts, and each fourth as plain text, all of which does. Held-out passages come from
 * another seed.
 */
final class DemoStream {
  static final String NAME = "demo";
  private static final int HELD_OUT = 128;
  private static final int PLAIN_EVERY = 4;

  private final ExampleBuilder builder;
  private final long seed;

  DemoStream(ExampleBuilder builder, long seed) {
    this.builder = builder;
    this.seed = seed;
  }

  /**
   * @param tokenizer names the tokenizer's content, which decides the ids
   */
  ExampleSet examples(String tokenizer) {
    return ExampleSet.streaming(
        NAME + " " + seed + " " + tokenizer,
        (_, _, taken) -> {
          Iterator<TrainingRow> rows = rows(seed);
          for (long i = 0; i < taken; i++) {
            rows.next();
          }
          return new Iterator<Example>() {
            @Override
            public boolean hasNext() {
              return true;
            }

            @Override
            public Example next() {
              return builder.build(rows.next());
            }
          };
        });
  }

  List<TrainingRow> heldOut() {
    Iterator<TrainingRow> rows = rows(~seed);
    List<TrainingRow> heldOut = new ArrayList<>();
    while (heldOut.size() < HELD_OUT) {
      heldOut.add(rows.next());
    }
    return heldOut;
  }

  /** Ids of the first passages. */
  List<byte[]> ids(long count) {
    Iterator<TrainingRow> rows = rows(seed);
    List<byte[]> ids = new ArrayList<>();
    while (ids.size() < count) {
      ids.add(rows.next().id().bytes());
    }
    return ids;
  }

  private static Iterator<TrainingRow> rows(long seed) {
    Corpus passages = Corpus.base(seed);
    return new Iterator<>() {
      private long number;

      @Override
      public boolean hasNext() {
        return passages.hasNext();
      }

      @Override
      public TrainingRow next() {
        Passage passage = passages.next();
        number++;
        RowContent content =
            number % PLAIN_EVERY == 0
                ? new RowContent.Text(passage.answer())
                : new RowContent.Chat(
                    List.of(
                        new RowContent.Message(RowContent.Message.USER, passage.prompt()),
                        new RowContent.Message(RowContent.Message.ASSISTANT, passage.answer())));
        return new TrainingRow(NAME + " passage " + number, RowId.of(content), content);
      }
    };
  }
}
