package dev.openlora.server.template;

import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A compiled chat template. Any thread; each rendering has its own state, and nothing a template
 * does outlives it.
 *
 * <p>Templates come with uploaded adapters, so both compiling and rendering stop at {@link
 * TemplateLimits}. Depth is counted, but how much stack one level takes is up to the template: a
 * stack that ends early is a limit like the others.
 */
public final class ChatTemplate {
  private final String source;
  private final Parser.Parsed parsed;
  private final TemplateLimits limits;

  private ChatTemplate(String source, Parser.Parsed parsed, TemplateLimits limits) {
    this.source = source;
    this.parsed = parsed;
    this.limits = limits;
  }

  public static ChatTemplate compile(String source, TemplateLimits limits) {
    boolean large = source.length() > limits.sourceBytes() / 3;
    if (large && source.getBytes(StandardCharsets.UTF_8).length > limits.sourceBytes()) {
      throw TemplateException.limit("a template of more than " + limits.sourceBytes() + " bytes");
    }
    Budget budget = new Budget(limits, source.length());
    return new ChatTemplate(source, bounded(() -> Parser.parse(source, budget)), limits);
  }

  public String render(TemplateInput input) {
    return renderWithSpans(input).text();
  }

  /** The text, and the spans of its {@code generation} blocks. */
  public Rendered renderWithSpans(TemplateInput input) {
    return bounded(() -> {
      Conversation conversation = Conversation.of(input, source, limits);
      Rendered rendered = render(conversation.values(), conversation.chars(), input.now());
      return input.continueField() == null
          ? rendered
          : new Rendered(conversation.cut(rendered.text()), rendered.spans());
    });
  }

  /** Renders with these variables and nothing else: no messages, no tools. */
  public String renderVariables(
      Map<String, ? extends @Nullable Object> variables, @Nullable LocalDateTime now) {
    return bounded(() -> {
      Budget budget = new Budget(limits, 0);
      Map<String, Object> given = new LinkedHashMap<>();
      variables.forEach((name, value) -> given.put(name, Values.given(value, budget, 0)));
      return render(given, Conversation.chars(given.values()), now).text();
    });
  }

  private Rendered render(Map<String, Object> given, long chars, @Nullable LocalDateTime now) {
    long size = chars + source.length();
    long outputMax = limits.outputBase() + limits.outputFactor() * size;
    return Interpreter.render(new Budget(limits, size), parsed, given, outputMax, now);
  }

  private static <T> T bounded(Supplier<T> work) {
    try {
      return work.get();
    } catch (StackOverflowError e) {
      throw TemplateException.limit("calls and values too deep for the stack");
    }
  }
}
