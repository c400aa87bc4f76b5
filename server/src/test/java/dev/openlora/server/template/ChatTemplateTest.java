package dev.openlora.server.template;

import static dev.openlora.server.template.TemplateException.Kind;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What happens around a template: the messages before it, the text after it, and many threads at
 * once.
 */
class ChatTemplateTest {
  private static final String TURNS =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>\n{% endfor %}"
          + "{% if add_generation_prompt %}<assistant>{% endif %}";

  private static Map<String, @Nullable Object> message(@Nullable Object... fields) {
    Map<String, @Nullable Object> message = new LinkedHashMap<>();
    for (int i = 0; i < fields.length; i += 2) {
      message.put(String.valueOf(fields[i]), fields[i + 1]);
    }
    return message;
  }

  private static String render(String source, TemplateInput input) {
    return ChatTemplate.compile(source, TemplateLimits.DEFAULT).render(input);
  }

  private static Kind kind(String source, TemplateInput input) {
    return catchThrowableOfType(TemplateException.class, () -> render(source, input)).kind();
  }

  private static TemplateInput user(String content) {
    return TemplateInput.of(List.of(message("role", "user", "content", content)));
  }

  private static TemplateInput raw(List<?> messages) {
    return new TemplateInput(
        TemplateInput.Entry.RENDER, messages, null, null, false, null, null, Map.of());
  }

  @Test
  void rendersAConversationWithAGenerationPrompt() {
    String text = render(TURNS, user("hi").withGenerationPrompt(true));

    assertThat(text).isEqualTo("<user>hi</user>\n<assistant>");
  }

  @Test
  void alwaysDefinesWhatTransformersDefines() {
    String source =
        "{{ tools is none }} {{ documents is none }} {{ add_generation_prompt }} {{ bos_token is"
            + " defined }}";

    assertThat(render(source, user("hi"))).isEqualTo("True True False False");
    assertThat(render("{{ bos_token }}", user("hi").withVariables(Map.of("bos_token", "<s>"))))
        .isEqualTo("<s>");
  }

  @Test
  void dropsNullKeysOnlyWhereServersEnter() {
    List<?> messages = List.of(message("role", "assistant", "content", null));
    String source = "{{ messages[0].content is defined }}";

    assertThat(render(source, TemplateInput.of(messages))).isEqualTo("False");
    assertThat(render(source, raw(messages))).isEqualTo("True");
  }

  @Test
  void refusesWhatIsNoConversation() {
    assertThat(kind(TURNS, TemplateInput.of(List.of()))).isEqualTo(Kind.INPUT);
    assertThat(render(TURNS, raw(List.of()))).isEmpty();
    assertThat(kind(TURNS, raw(List.of("hi")))).isEqualTo(Kind.INPUT);
    assertThat(kind(TURNS, user("hi").withTools(List.of("ping")))).isEqualTo(Kind.INPUT);
    assertThat(kind(TURNS, user("hi").withVariables(Map.of("x", new Object()))))
        .isEqualTo(Kind.INPUT);
  }

  @Test
  void copiesReasoningToTheNamesThatTemplatesRead() {
    String source =
        "{% for m in messages %}{{ m.reasoning_content }},{{ m.thinking }};{% endfor %}";
    List<?> messages =
        List.of(message("reasoning", "a"), message("thinking", "b", "reasoning_content", null));

    assertThat(render(source, raw(messages))).isEqualTo("a,a;b,b;");
  }

  @Test
  void continuesTheFinalMessage() {
    TemplateInput input = user("The answer begins ").continuing(TemplateInput.CONTENT);

    assertThat(render(TURNS, input)).isEqualTo("<user>The answer begins ");
    assertThat(render("{{ messages[0].content | trim }}.", input)).isEqualTo("The answer begins");
  }

  @Test
  void continuesTheLastTextOfAListOfParts() {
    List<?> parts = List.of(message("text", "one"), message("text", "two"), message("image", 1));
    TemplateInput input =
        TemplateInput.of(List.of(message("content", parts))).continuing(TemplateInput.CONTENT);

    String source = "{% for p in messages[0].content %}[{{ p.text }}]{% endfor %}";

    assertThat(render(source, input)).isEqualTo("[one][two");
  }

  @Test
  void refusesToContinueWhatCannotBeContinued() {
    TemplateInput input = user("hi").continuing(TemplateInput.CONTENT);

    assertThat(kind(TURNS, input.withGenerationPrompt(true))).isEqualTo(Kind.INPUT);
    assertThat(kind(TURNS, user("hi").continuing("mood"))).isEqualTo(Kind.INPUT);
    assertThat(kind("{{ messages[0].text }}", input)).isEqualTo(Kind.INPUT);
    assertThat(kind("{{ messages[0].content | length }}", input)).isEqualTo(Kind.INPUT);
  }

  @Test
  void measuresGenerationBlocksInCodePoints() {
    String source =
        "{% for m in messages %}😀{% generation %}{{ m.content }}{% endgeneration %};{% endfor %}";
    List<?> messages = List.of(message("content", "a😀"), message("content", "bc"));

    Rendered rendered =
        ChatTemplate.compile(source, TemplateLimits.DEFAULT).renderWithSpans(raw(messages));

    assertThat(rendered.text()).isEqualTo("😀a😀;😀bc;");
    assertThat(rendered.spans()).containsExactly(new Rendered.Span(1, 3), new Rendered.Span(5, 7));
  }

  @Test
  void saysWhereAndWhatTheAuthorSaid() {
    TemplateException failure =
        catchThrowableOfType(
            TemplateException.class, () -> render("a\nb\n{{ messages[0].x.y }}", user("hi")));
    TemplateException raised =
        catchThrowableOfType(
            TemplateException.class, () -> render("\n{{ raise_exception('no') }}", user("hi")));
    TemplateException syntax =
        catchThrowableOfType(TemplateException.class, () -> render("a\n{{ 1 + }}", user("hi")));

    assertThat(failure.line()).isEqualTo(3);
    assertThat(failure).hasMessageContaining("'x'").hasMessageContaining("line 3");
    assertThat(raised).hasMessage("no");
    assertThat(raised.line()).isEqualTo(2);
    assertThat(syntax.line()).isEqualTo(2);
  }

  @Test
  void leavesTheGivenValuesAsTheyWere() {
    List<@Nullable Object> content = Arrays.asList("a", null);
    Map<String, @Nullable Object> message = message("role", "user", "content", content);

    render("{% set messages = messages + [1] %}{{ messages }}", raw(List.of(message)));

    assertThat(message).containsExactly(Map.entry("role", "user"), Map.entry("content", content));
    assertThat(content).containsExactly("a", null);
  }

  @Test
  void oneCompiledTemplateServesManyThreads() throws Exception {
    ChatTemplate template =
        ChatTemplate.compile(
            "{% set ns = namespace(n=0) %}{% for c in messages[0].content %}"
                + "{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
            TemplateLimits.DEFAULT);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> texts =
          IntStream.range(0, 200)
              .mapToObj(i -> threads.submit(() -> template.render(user("x".repeat(i)))))
              .toList();
      for (int i = 0; i < texts.size(); i++) {
        assertThat(texts.get(i).get()).isEqualTo(Integer.toString(i));
      }
    }
  }
}
