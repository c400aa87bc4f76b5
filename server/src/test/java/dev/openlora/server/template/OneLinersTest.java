package dev.openlora.server.template;

import static dev.openlora.server.template.TemplateException.Kind;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Small templates and what each prints or fails with, worked out by hand from Python's and Jinja2's
 * rules.
 */
class OneLinersTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2024, 3, 7, 9, 5, 1);

  static Map<String, Object> variables() {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("word", "Naïve 😀");
    variables.put("list", Arrays.asList(3, 1.5, null, true, "it's"));
    variables.put("dict", Map.of("items", 1));
    variables.put("huge", new java.math.BigInteger("12345678901234567890"));
    return variables;
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        // printing
        arguments(
            "{{ none }} {{ true }} {{ 1.0 }} {{ 1e16 }} {{ 1e15 }}",
            "None True 1.0 1e+16 1000000000000000.0"),
        arguments("{{ 5e-324 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }}", "5e-324 0.0001 1e-05 -0.0"),
        arguments("{{ list }}", "[3, 1.5, None, True, \"it's\"]"),
        arguments("{{ ['\\n', '\\x07', '\\u200b', 'é'] }}", "['\\n', '\\x07', '\\u200b', 'é']"),
        arguments("{{ (1,) }} {{ () }} {{ {1: 'a', true: 'b'} }}", "(1,) () {1: 'b'}"),
        arguments("{{ huge + 1 }} {{ huge * huge > huge }}", "12345678901234567891 True"),
        arguments("{{ range(0, 9, 4) }} {{ dict['items'] }}", "range(0, 9, 4) 1"),
        arguments("[{{ missing }}]", "[]"),
        // precedence and arithmetic
        arguments("{{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 2 ** -1 }}", "4 64 0.5"),
        arguments("{{ 'a' ~ 'b' | upper }} {{ ('a' ~ 'b') | upper }}", "aB AB"),
        arguments("{{ 1 + 2 | string | length }} {{ -3 | abs }}", "2 3"),
        arguments("{{ not 1 == 2 }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }}", "True True False"),
        arguments("{{ 2 > 1 is true }} {{ (2 > 1) is true }}", "True True"),
        arguments("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ -7.5 // 2 }}", "-4 2 -2 -4.0"),
        arguments(
            "{{ 7 / 2 }} {{ 6 / 2 }} {{ 9223372036854775807 + 1 }}", "3.5 3.0 9223372036854775808"),
        arguments("{{ true + true }} {{ 'ab' * 2 }} {{ [0] * 2 }}", "2 abab [0, 0]"),
        arguments(
            "{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 15 | round(-1) }}",
            "2.0 4.0 2.67 20"),
        arguments("{{ 1 if false }}|{{ 'a' if 0 else 'b' if 0 else 'c' }}", "|c"),
        arguments("{{ '' or [] }} {{ 0 and 1 }} {{ 'a' or 'b' and 'c' }}", "[] 0 a"),
        // strings by code point
        arguments("{{ word | length }} {{ word[-1] }} {{ word[::-1] }}", "7 😀 😀 evïaN"),
        arguments("{{ word.upper() }} {{ 'ß'.upper() }} {{ 'ΑΣ'.lower() }}", "NAÏVE 😀 SS ας"),
        arguments("{{ ['😀', '\\uffff'] | sort }}", "['\\uffff', '😀']"),
        arguments("{{ '\\u00a0x\\u3000\\x1f'.strip() }}|{{ '\\u200bx'.strip() | length }}", "x|2"),
        arguments(
            "{{ 'a b  c'.split(' ') }} {{ ' a b '.split() }}", "['a', 'b', '', 'c'] ['a', 'b']"),
        arguments(
            "{{ 'a,b,c'.rsplit(',', 1) }} {{ 'k=v=w'.partition('=') }}",
            "['a,b', 'c'] ('k', '=', 'v=w')"),
        arguments("{{ 'abc'.replace('', '.') }} {{ 'aaa'.replace('a', 'b', 2) }}", ".a.b.c. bba"),
        arguments(
            "{{ \"o'neil 3rd\".title() }} {{ \"o'neil 3rd\" | title }}", "O'Neil 3Rd O'neil 3rd"),
        arguments(
            "{{ 'ab'.center(5, '*') }} {{ 'abc'.center(6, '*') }} {{ '-5'.zfill(4) }}",
            "**ab* *abc** -005"),
        arguments("{{ 'a\\r\\nb\\x85c'.splitlines() }}", "['a', 'b', 'c']"),
        arguments("{{ '%05.1f|%-3s|%x|%%' % (2.25, 'a', 255) }}", "002.2|a  |ff|%"),
        arguments(
            "{{ '{:>4}|{:,}|{!r}|{0}'.format(1) if false else '{1}{0}'.format('a', 'b') }}", "ba"),
        arguments("{{ 'a' 'b' }} {{ '\\101\\x42\\N{BULLET}' }} {{ '\\d' }}", "ab AB• \\d"),
        // attributes, items, undefined
        arguments(
            "{{ dict.items is callable }} {{ dict.nope is defined }} {{ dict['items'] }}",
            "True False 1"),
        arguments("{{ 'abc'[9] is defined }} {{ [1, 2].0 }} {{ 'abc'[1:].0 }}", "False 1 b"),
        arguments(
            "{{ missing == other }} {{ missing is sequence }} {{ missing | length }}",
            "True True 0"),
        arguments(
            "{{ missing | default('d') }} {{ none | default('d') }} {{ none | default('d', true)"
                + " }}",
            "d None d"),
        arguments("{{ ''.__class__ }}|{{ [].append is defined }}|{{ {'_x': 5}._x }}", "|False|5"),
        // sets and scopes
        arguments(
            "{% set n = 0 %}{% for i in [1, 2] %}{% set n = n + i %}{{ n }}{% endfor %}{{ n }}",
            "120"),
        arguments(
            "{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor"
                + " %}{{ ns.n }}",
            "3"),
        arguments("{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"),
        arguments("{% set x | upper %}a{{ 1 }}{% endset %}{{ x }}", "A1"),
        arguments("{% set a, (b, c) = 1, (2, 3) %}{{ a + b * c }}", "7"),
        arguments(
            "{% with x = 1, y = x %}{{ x }}{{ y is defined }}{% endwith %}{{ x is defined }}",
            "1FalseFalse"),
        arguments(
            "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}",
            "12"),
        arguments(
            "{% macro m() %}{{ i is defined }}{% endmacro %}{% for i in [1] %}{{ m() }}{% endfor"
                + " %}",
            "False"),
        // macros and calls
        arguments(
            "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(b=2, a=3) }}", "1132"),
        arguments(
            "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}",
            "(2,){'k': 3}"),
        arguments(
            "{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}{{ x }}!{% endcall %}",
            "<1!>"),
        arguments("{% filter upper %}a{{ 'b' }}{% endfilter %}", "AB"),
        // loops
        arguments(
            "{% for c in 'a😀' %}{{ loop.index }}{{ c }}{{ loop.last }} {% endfor %}",
            "1aFalse 2😀True "),
        arguments(
            "{% for i in range(6) if i % 2 %}{{ i }}/{{ loop.length }} {% endfor %}",
            "1/3 3/3 5/3 "),
        arguments(
            "{% for i in [1, 2, 3] %}{{ i }}{% if i == 2 %}{% break %}{% endif %},{% endfor %}",
            "1,2"),
        arguments("{% for i in [1, 2] %}a{% continue %}b{% else %}none{% endfor %}", "aanone"),
        arguments(
            "{% for i in [1, [2, [3]]] recursive %}{{ loop(i) if i is iterable else i }}{% endfor"
                + " %}",
            "123"),
        arguments("{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% endfor %}", "x1"),
        arguments(
            "{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.previtem }} {% endfor %}",
            "True False1 True1 "),
        arguments(
            "{% set ns = namespace(n=0) %}{% for i in [1, 2, 3] if ns.n < 1 %}{% set ns.n = 1 %}{{"
                + " i }}{% endfor %}",
            "1"),
        // white space
        arguments("a\n  {% if true %}\nb\n  {% endif %}\n", "a\nb\n"),
        arguments("a \n {%- if true -%} \n b {% endif +%}\nc", "ab \nc"),
        arguments("a\n  {%+ if true %}x{% endif %}", "a\n  x"),
        arguments("  {# gone #}\nx {#- y -#} z", "xz"),
        arguments("{% raw -%}  {{ x }}  {%- endraw %}", "{{ x }}"),
        arguments("{{ '{{' }}{{ '%}' }}\r\n\n", "{{%}\n"),
        // filters
        arguments(
            "{{ [3, 1, 2] | sort | join('-') }} {{ ['b', 'A'] | sort }} {{ 'ba' | sort }}",
            "1-2-3 ['A', 'b'] ['a', 'b']"),
        arguments("{{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }}", "[1, 0]"),
        arguments(
            "{{ [{'r': 'x'}, {'r': 'y'}] | selectattr('r', 'eq', 'y') | list }}", "[{'r': 'y'}]"),
        arguments(
            "{{ [1, 2, 3] | batch(2, 0) | list }} {{ [1, 2, 3] | slice(2) | list }}",
            "[[1, 2], [3, 0]] [[1, 2], [3]]"),
        arguments("{{ 'a\\nb\\n\\nc' | indent(2) }}", "a\n  b\n\n  c"),
        arguments(
            "{{ 'foo bar baz' | truncate(7, leeway=0) }} {{ ' 12 ' | int + 1 }} {{ 'x' | int(7) }}",
            "foo... 13 7"),
        arguments("{{ ('<a>' | safe) + '<b>' }} {{ '<' | e ~ '<' }}", "<a>&lt;b&gt; &lt;<"),
        arguments(
            "{% for g in [{'k': 2}, {'k': 1}, {'k': 2}] | groupby('k') %}{{ g.grouper }}{{ g.list |"
                + " length }} {% endfor %}",
            "11 22 "),
        arguments(
            "{{ 'x' if true else ('y' | nope) }}{% if false %}{{ 1 | nope }}{% endif %}", "x"),
        // JSON and time
        arguments(
            "{{ {'b': [1, 2.0, none], 'a': '<é\"'} | tojson }}",
            "{\"b\": [1, 2.0, null], \"a\": \"<é\\\"\"}"),
        arguments(
            "{{ {'a': [1], 'b': {}} | tojson(indent=1) }}",
            "{\n \"a\": [\n  1\n ],\n \"b\": {}\n}"),
        arguments(
            "{{ {'b': 1, 'a': 'é'} | tojson(ensure_ascii=true, sort_keys=true, separators=(',',"
                + " ':')) }}",
            "{\"a\":\"\\u00e9\",\"b\":1}"),
        arguments(
            "{{ strftime_now('%d %b %Y, %-d.%-m. %H:%M:%S %j %A %I%p %e') }}",
            "07 Mar 2024, 7.3. 09:05:01 067 Thursday 09AM  7"));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void prints(String source, String expected) {
    assertThat(render(source)).as(source).isEqualTo(expected);
  }

  static Stream<Arguments> errors() {
    return Stream.of(
        arguments("{{ raise_exception('no ' ~ 1) }}", Kind.RAISED),
        arguments("{{ 1 + }}", Kind.SYNTAX),
        arguments("{{ 'x' | nope }}", Kind.SYNTAX),
        arguments("{% if true %}{{ 'x' | nope }}{% endif %}", Kind.RUNTIME),
        arguments("{% if x %}", Kind.SYNTAX),
        arguments("{% break %}", Kind.SYNTAX),
        arguments("{% macro m(a, a) %}{% endmacro %}", Kind.SYNTAX),
        arguments("{# open", Kind.SYNTAX),
        arguments("{{ '\\x4' }}", Kind.SYNTAX),
        arguments("{% do x %}", Kind.SYNTAX),
        arguments("{{ missing.x }}", Kind.UNDEFINED),
        arguments("{{ missing + 1 }}", Kind.UNDEFINED),
        arguments("{{ dict.a.b is defined }}", Kind.UNDEFINED),
        arguments("{{ 'a'.nope() }}", Kind.UNDEFINED),
        arguments("{{ 'a' + 1 }}", Kind.RUNTIME),
        arguments("{{ 1 / 0 }}", Kind.RUNTIME),
        arguments("{{ dict.items }}", Kind.RUNTIME),
        arguments("{{ [1, 'a'] | sort }}", Kind.RUNTIME),
        arguments("{% for a, b in [[1]] %}{% endfor %}", Kind.RUNTIME),
        arguments("{% set d = {} %}{% set d.x = 1 %}", Kind.RUNTIME),
        arguments("{{ missing | tojson }}", Kind.RUNTIME),
        arguments("{{ ''.__class__.__mro__ }}", Kind.SANDBOX),
        arguments("{{ [].append(1) }}", Kind.SANDBOX),
        arguments("{{ '{0.__class__.x}'.format('') }}", Kind.SANDBOX),
        arguments("{{ namespace(_a=1) }}", Kind.SANDBOX),
        arguments("{{ range(100001) }}", Kind.SANDBOX),
        arguments("{% include 'x' %}", Kind.SANDBOX));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void fails(String source, Kind expected) {
    assertThat(kind(source)).as(source).isEqualTo(expected);
  }

  private static Kind kind(String source) {
    return catchThrowableOfType(TemplateException.class, () -> render(source)).kind();
  }

  private static String render(String source) {
    ChatTemplate template = ChatTemplate.compile(source, TemplateLimits.DEFAULT);
    return template.renderVariables(variables(), NOW);
  }
}
