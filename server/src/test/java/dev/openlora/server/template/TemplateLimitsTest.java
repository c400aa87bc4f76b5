package dev.openlora.server.template;

import static dev.openlora.server.template.TemplateException.Kind;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Hostile templates meet a limit, soon, and the thread renders the next template as if nothing had
 * been.
 */
class TemplateLimitsTest {
  private static final Duration SOON = Duration.ofSeconds(2);

  private static String render(String source) {
    return ChatTemplate.compile(source, TemplateLimits.DEFAULT)
        .renderVariables(Map.of("ten", 10, "big", 10_000_000_000L), null);
  }

  private static Kind kindSoon(String source) {
    TemplateException failure =
        Assertions.assertTimeout(
            SOON, () -> catchThrowableOfType(TemplateException.class, () -> render(source)));
    return failure.kind();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // one value
        "{{ 'x' * big }}",
        "{{ [0] * big }}",
        "{{ (1, 2) * big }}",
        "{{ 'x'.center(big) }}",
        "{{ 'x' | center(big) }}",
        "{{ '%9999999999d' % ten }}",
        "{{ '%.*f' % (big, 1.5) }}",
        "{{ '{:>9999999999}'.format(ten) }}",
        "{{ 'a\\nb' | indent(big) }}",
        "{{ [1] | batch(big, 0) | list }}",
        "{{ [[1]] | tojson(indent=big) }}",
        "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
        "{{ range(100000) | join('x' * 100000) }}",
        "{{ '\\t'.expandtabs(big) }}",
        "{{ 'x'.zfill(big) }}",
        "{{ strftime_now('%9999Y' * 500000) }}",
        "{{ ('-' * 1000000 ~ 'a') | wordwrap(3) }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{%"
            + " endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{%"
            + " endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{%"
            + " endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{%"
            + " endfor %}{{ ns.s | tojson | length }}",
        "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a]"
            + " %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
        "{% set ns = namespace(s=1) %}{% for i in range(300) %}{% set ns.s = [ns.s] %}{% endfor"
            + " %}{{ ns.s }}",
        // many values
        "{{ range(100000) | map('string') | map('center', 100000) | list | length }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(900) %}"
            + "{% set ns.s = ns.s + ['x' * (1000000 + i)] %}{% endfor %}",
        // ints
        "{{ ten ** 5000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ (ten ** 1000) * (ten ** 1000) }}",
        "{{ ('9' * 9999) | int }}",
        "{{ ten ** big }}",
        // time and depth
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}0123456789{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro w() %}{% call w() %}{{ caller() }}{% endcall %}{% endmacro %}{% call w() %}{%"
            + " endcall %}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        // while compiling
        "{% if false %}{{ 'x' * 10 ** 10 }}{% endif %}"
      })
  void stopsAHostileTemplateAndStaysUsable(String source) {
    assertThat(kindSoon(source)).as(source).isEqualTo(Kind.LIMIT);
    assertThat(render("{{ 1 + 1 }}")).isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", "[", "not ", "- ", "f(", "{'a':", "x if x else ", "x[", "x is eq ("})
  void stopsNestedSyntax(String piece) {
    assertThat(kindSoon("{{ " + piece.repeat(10_000))).isEqualTo(Kind.LIMIT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        " | trim", ".a", "[0]", " + x", " ~ x", " and x", " or x", " ** x", " * x", "()", " < x"
      })
  void stopsLongChains(String piece) {
    assertThat(kindSoon("{{ x" + piece.repeat(10_000) + " }}")).isEqualTo(Kind.LIMIT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{% if x %}", "{% for a in x %}", "{% with %}", "{% filter upper %}"})
  void stopsNestedBlocks(String tag) {
    assertThat(kindSoon(tag.repeat(5_000))).isEqualTo(Kind.LIMIT);
  }

  @Test
  void chainsAndNestingWithinTheLimitsRenderOnASmallStack() throws InterruptedException {
    String[] got = new String[3];
    Thread small =
        new Thread(
            null,
            () -> {
              got[0] = render("{{ ten" + " + ten".repeat(900) + " }}");
              got[1] = render("{{ " + "(".repeat(90) + "1" + ")".repeat(90) + " }}");
              got[2] =
                  render(
                      "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}end{% endif %}{% endmacro"
                          + " %}{{ m(190) }}");
            },
            "small",
            1 << 20);
    small.start();
    small.join();

    assertThat(got).containsExactly("9010", "1", "end");
  }

  @Test
  void stopsAtTheEndOfTheStackToo() throws InterruptedException {
    Kind[] got = new Kind[1];
    Thread tiny =
        new Thread(
            null,
            () ->
                got[0] =
                    kindSoon(
                        "{{ "
                            + "(".repeat(150)
                            + "ten"
                            + " + ten".repeat(990)
                            + ")".repeat(150)
                            + " }}"),
            "tiny",
            32 << 10);
    tiny.start();
    tiny.join();

    assertThat(got[0]).isEqualTo(Kind.LIMIT);
  }

  @Test
  void limitsAreWhatTheyAreSetTo() {
    TemplateLimits few = new TemplateLimits(100, 10, 10, 5, 50, 20, 1, 30, 10, 64, 1_000, 1_000);

    assertThat(kind("x".repeat(101), few)).isEqualTo(Kind.LIMIT);
    assertThat(kind("é".repeat(51), few)).isEqualTo(Kind.LIMIT);
    assertThat(kind("{{ " + "(".repeat(10) + "1" + ")".repeat(10) + " }}", few))
        .isEqualTo(Kind.LIMIT);
    assertThat(kind("{% for i in range(51) %}{% endfor %}", few)).isEqualTo(Kind.LIMIT);
    assertThat(kind("{{ range(11) | list }}", few)).isEqualTo(Kind.LIMIT);
    assertThat(kind("{{ 'x' * 31 }}", few)).isEqualTo(Kind.LIMIT);
    assertThat(kind("{{ 2 ** 65 }}", few)).isEqualTo(Kind.LIMIT);
    assertThat(ChatTemplate.compile("{{ 2 ** 60 }}", few).renderVariables(Map.of(), null))
        .isEqualTo("1152921504606846976");
  }

  private static Kind kind(String source, TemplateLimits limits) {
    return catchThrowableOfType(
            TemplateException.class,
            () -> ChatTemplate.compile(source, limits).renderVariables(Map.of(), null))
        .kind();
  }

  @Test
  void refusesALimitOfNothing() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TemplateLimits(0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))
        .withMessage("sourceBytes: 0 (expected: at least 1)");
  }
}
