package dev.openlora.server.tuning;

import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.training.Example;
import dev.openlora.server.template.ChatTemplate;
import dev.openlora.server.template.TemplateException;
import dev.openlora.server.template.TemplateInput;
import dev.openlora.server.template.TemplateLimits;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows as token ids. Of a text, everything counts, and the token that ends a text follows. Of a
 * chat, the assistant's answers count, each with the token that ends its turn, and nothing else:
 * the model's own chat template is rendered up to each answer and behind it, and where one is not
 * the beginning of the next, the template changes earlier turns, so there is no one place where the
 * answer stands, and the row is refused. Any thread.
 */
public final class ExampleBuilder {
  private final HuggingFaceTokenizer tokenizer;
  private final @Nullable ChatTemplate template;
  private final LocalDateTime now;
  private final int tokensMax;
  private final boolean cut;

  /**
   * @param now what a template that prints the date prints
   * @param tokensMax tokens of a row at most
   * @param cut whether a longer row loses its end; otherwise it is refused
   */
  public ExampleBuilder(
      HuggingFaceTokenizer tokenizer, LocalDateTime now, int tokensMax, boolean cut) {
    this.tokenizer = tokenizer;
    this.template =
        tokenizer
            .chatTemplates()
            .source()
            .map(source -> {
              try {
                return ChatTemplate.compile(source, TemplateLimits.DEFAULT);
              } catch (TemplateException e) {
                throw TuningException.wrong("chat template: " + e.getMessage());
              }
            })
            .orElse(null);
    this.now = now;
    this.tokensMax = tokensMax;
    this.cut = cut;
  }

  /** What was asked before an answer, and the answer. */
  public record Turn(int[] promptIds, String answer) {}

  /** All rows, in order. */
  public List<Example> build(List<TrainingRow> rows) {
    List<Example> examples = new ArrayList<>(rows.size());
    for (TrainingRow row : rows) {
      examples.add(build(row));
    }
    return examples;
  }

  /** One row; {@link TuningException} names its place. */
  public Example build(TrainingRow row) {
    Example whole =
        at(
            row,
            () ->
                switch (row.content()) {
                  case RowContent.Text text -> text(text.text());
                  case RowContent.Chat chat -> chat(chat.messages());
                });
    int length = whole.ids().length;
    if (length > tokensMax && !cut) {
      throw TuningException.wrong(
          row.place()
              + ": "
              + length
              + " tokens (expected: at most "
              + tokensMax
              + "; --cut leaves the ends of longer rows out)");
    }
    Example example =
        length <= tokensMax
            ? whole
            : new Example(
                java.util.Arrays.copyOf(whole.ids(), tokensMax),
                java.util.Arrays.copyOf(whole.learned(), tokensMax));
    if (example.learnedTokens() == 0) {
      throw TuningException.wrong(
          row.place()
              + ": no learned token in the first "
              + tokensMax
              + " (expected: at least one; the prompt alone is longer)");
    }
    return example;
  }

  /** The last answer of a chat, and what comes before it as serving would put it to the model. */
  public Turn lastTurn(TrainingRow row, RowContent.Chat chat) {
    List<RowContent.Message> before = chat.messages().subList(0, chat.messages().size() - 1);
    return new Turn(at(row, () -> promptIds(before)), chat.messages().getLast().content());
  }

  /**
   * Messages up to where the assistant begins to answer, as serving would put them to the model.
   */
  public int[] promptIds(List<RowContent.Message> messages) {
    return tokenizer.encode(render(messages, true), false);
  }

  private static <T> T at(TrainingRow row, Supplier<T> work) {
    try {
      return work.get();
    } catch (TemplateException e) {
      throw TuningException.wrong(row.place() + ": chat template: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw TuningException.wrong(row.place() + ": " + e.getMessage());
    }
  }

  private Example text(String text) {
    Set<Integer> ends = tokenizer.specialTokens().eosTokenIds();
    if (ends.isEmpty()) {
      throw new IllegalArgumentException(
          "tokenizer: no eos_token (expected: one, to end a text with)");
    }
    Ids ids = new Ids();
    ids.add(tokenizer.encode(text, true), true);
    if (!ends.contains(ids.last())) {
      ids.add(new int[] {ends.iterator().next()}, true);
    }
    return ids.example();
  }

  private Example chat(List<RowContent.Message> messages) {
    String whole = render(messages, false);
    Ids ids = new Ids();
    int at = 0;
    for (int i = 0; i < messages.size(); i++) {
      if (!messages.get(i).role().equals(RowContent.Message.ASSISTANT)) {
        continue;
      }
      String prompt = render(messages.subList(0, i), true);
      String answered =
          i + 1 == messages.size() ? whole : render(messages.subList(0, i + 1), false);
      if (!answered.startsWith(prompt) || !whole.startsWith(answered) || prompt.length() < at) {
        throw new IllegalArgumentException(
            "chat template: messages["
                + i
                + "] reads otherwise once more follows, at "
                + shown(answered.startsWith(prompt) ? whole : answered, prompt, answered)
                + " (expected: a template that only adds)");
      }
      int end = prompt.length() + endOfTurn(i, answered.substring(prompt.length()));
      ids.add(tokenizer.encode(whole.substring(at, prompt.length()), false), false);
      ids.add(tokenizer.encode(whole.substring(prompt.length(), end), false), true);
      at = end;
    }
    return ids.example();
  }

  /** Where two renderings part, as a few characters of the one that was rendered later. */
  private static String shown(String later, String prompt, String answered) {
    String earlier = answered.startsWith(prompt) ? answered : prompt;
    int same = 0;
    while (same < Math.min(earlier.length(), later.length())
        && earlier.charAt(same) == later.charAt(same)) {
      same++;
    }
    String from = later.substring(Math.max(0, same - 10), Math.min(later.length(), same + 20));
    return "'" + from.replaceAll("\\s", " ") + "'";
  }

  /** The length of a turn up to and with its last special token: white space behind is not said. */
  private int endOfTurn(int message, String turn) {
    int[] ids = tokenizer.encode(turn, false);
    for (int i = ids.length - 1; i >= 0; i--) {
      if (tokenizer.isSpecial(ids[i])) {
        String name = tokenizer.tokenName(ids[i]);
        int at = turn.lastIndexOf(name);
        if (at >= 0) {
          return at + name.length();
        }
      }
    }
    throw new IllegalArgumentException(
        "chat template: messages["
            + message
            + "] ends without a special token (expected: one, or the model would never stop)");
  }

  private String render(List<RowContent.Message> messages, boolean generationPrompt) {
    ChatTemplate compiled = template;
    if (compiled == null) {
      throw new IllegalArgumentException(
          "a chat, but the model has no chat template (expected: one in tokenizer_config.json)");
    }
    List<Map<String, String>> given = new ArrayList<>();
    for (RowContent.Message message : messages) {
      Map<String, String> each = new LinkedHashMap<>();
      each.put("role", message.role());
      each.put("content", message.content());
      given.add(each);
    }
    Map<String, @Nullable Object> variables =
        new LinkedHashMap<>(tokenizer.specialTokens().texts());
    return compiled.render(
        TemplateInput.of(given)
            .withGenerationPrompt(generationPrompt)
            .at(now)
            .withVariables(variables));
  }

  /** Growing ids and flags. */
  private static final class Ids {
    private final List<int[]> parts = new ArrayList<>();
    private final List<Boolean> learned = new ArrayList<>();

    void add(int[] ids, boolean counts) {
      parts.add(ids);
      learned.add(counts);
    }

    int last() {
      int[] part = Objects.requireNonNull(parts.getLast());
      return part.length == 0 ? -1 : part[part.length - 1];
    }

    Example example() {
      int[] ids = parts.stream().flatMapToInt(IntStream::of).toArray();
      boolean[] flags = new boolean[ids.length];
      int at = 0;
      for (int i = 0; i < parts.size(); i++) {
        for (int j = 0; j < parts.get(i).length; j++, at++) {
          flags[at] = learned.get(i) && at > 0; // nothing predicts the first
        }
      }
      return new Example(ids, flags);
    }
  }
}
