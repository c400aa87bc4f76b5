package dev.openlora.server.template;

/**
 * The backslash escapes of string literals, and the five characters that HTML needs escaped.
 *
 * <p>Literals are decoded as Jinja2 does it, through Python's unicode-escape: an unknown escape
 * keeps its backslash, and a backslash before a character beyond ASCII turns that character into
 * the letters of its own escape.
 */
final class Escapes {
  private Escapes() {}

  static String decode(String literal, int line) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder out = new StringBuilder(literal.length());
    int i = 0;
    while (i < literal.length()) {
      char c = literal.charAt(i++);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      if (i >= literal.length()) {
        throw TemplateException.syntax("\\ at end of string", line);
      }
      int next = literal.codePointAt(i);
      i += Character.charCount(next);
      switch (next) {
        case '\n' -> {}
        case '\\', '\'', '"' -> out.append((char) next);
        case 'a' -> out.append('\u0007');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'v' -> out.append('\u000b');
        case 'x' -> i = hex(literal, i, 2, "truncated \\xXX escape", out, line);
        case 'u' -> i = hex(literal, i, 4, "truncated \\uXXXX escape", out, line);
        case 'U' -> i = hex(literal, i, 8, "truncated \\UXXXXXXXX escape", out, line);
        case 'N' -> i = named(literal, i, out, line);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int end = i;
          while (end < literal.length() && end < i + 2 && isOctal(literal.charAt(end))) {
            end++;
          }
          out.appendCodePoint(Integer.parseInt(literal.substring(i - 1, end), 8));
          i = end;
        }
        default -> {
          out.append('\\');
          if (next < 0x80) {
            out.append((char) next);
          } else {
            out.append(next < 0x100 ? 'x' : next < 0x10000 ? 'u' : 'U');
            out.append(
                padded(Integer.toHexString(next), next < 0x100 ? 2 : next < 0x10000 ? 4 : 8));
          }
        }
      }
    }
    return out.toString();
  }

  private static boolean isOctal(char c) {
    return c >= '0' && c <= '7';
  }

  private static int hex(
      String literal, int from, int digits, String truncated, StringBuilder out, int line) {
    int value = 0;
    for (int i = from; i < from + digits; i++) {
      int digit =
          i < literal.length() && literal.charAt(i) < 128
              ? Character.digit(literal.charAt(i), 16)
              : -1;
      if (digit < 0) {
        throw TemplateException.syntax(truncated, line);
      }
      value = value << 4 | digit;
    }
    if (!Character.isValidCodePoint(value)) {
      throw TemplateException.syntax("illegal Unicode character", line);
    }
    out.appendCodePoint(value);
    return from + digits;
  }

  private static int named(String literal, int from, StringBuilder out, int line) {
    int end = literal.indexOf('}', from);
    if (from >= literal.length() || literal.charAt(from) != '{' || end < 0) {
      throw TemplateException.syntax("malformed \\N character escape", line);
    }
    try {
      out.appendCodePoint(Character.codePointOf(literal.substring(from + 1, end)));
    } catch (IllegalArgumentException e) {
      throw TemplateException.syntax("unknown Unicode character name", line);
    }
    return end + 1;
  }

  static String padded(String digits, int width) {
    return "0".repeat(Math.max(0, width - digits.length())) + digits;
  }

  /** The text with {@code & < > " '} escaped. */
  static String html(Budget budget, String text) {
    long extra = 0;
    for (int i = 0; i < text.length(); i++) {
      extra += htmlOf(text.charAt(i)).length();
    }
    if (extra == 0) {
      return text;
    }
    budget.text(text.length() + extra);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      String escaped = htmlOf(text.charAt(i));
      if (escaped.isEmpty()) {
        out.append(text.charAt(i));
      } else {
        out.append(escaped);
      }
    }
    return out.toString();
  }

  private static String htmlOf(char c) {
    return switch (c) {
      case '&' -> "&amp;";
      case '<' -> "&lt;";
      case '>' -> "&gt;";
      case '"' -> "&#34;";
      case '\'' -> "&#39;";
      default -> "";
    };
  }

  /**
   * Turns the entities back that {@link #html} writes, numeric ones and a handful of names; others
   * stay.
   */
  static String unescapeHtml(String text) {
    StringBuilder out = new StringBuilder(text.length());
    int i = 0;
    while (i < text.length()) {
      int end = text.charAt(i) == '&' ? text.indexOf(';', i, Math.min(text.length(), i + 12)) : -1;
      int value = end > 0 ? entity(text.substring(i + 1, end)) : -1;
      if (value >= 0) {
        out.appendCodePoint(value);
        i = end + 1;
      } else {
        out.append(text.charAt(i++));
      }
    }
    return out.toString();
  }

  private static int entity(String name) {
    int named =
        switch (name) {
          case "amp" -> '&';
          case "lt" -> '<';
          case "gt" -> '>';
          case "quot" -> '"';
          case "apos" -> '\'';
          case "nbsp" -> 0xa0;
          default -> -1;
        };
    if (named >= 0) {
      return named;
    }
    if (!name.startsWith("#")) {
      return -1;
    }
    try {
      boolean hex = name.startsWith("#x") || name.startsWith("#X");
      int value =
          hex ? Integer.parseInt(name.substring(2), 16) : Integer.parseInt(name.substring(1));
      return Character.isValidCodePoint(value) && value > 0 ? value : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
