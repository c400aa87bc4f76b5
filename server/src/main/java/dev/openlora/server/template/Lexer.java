package dev.openlora.server.template;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * Cuts a template into tokens and decides which white space around tags survives.
 *
 * <p>The rules are those of trim_blocks and lstrip_blocks: a newline right after a block or comment
 * goes, and so does white space between the start of a line and a block or comment; {@code -} takes
 * all white space on its side, {@code +} keeps it. White space is what Python calls so.
 */
final class Lexer {
  private static final Set<String> LONG_OPERATORS = Set.of("//", "**", "==", "!=", ">=", "<=");
  private static final String SHORT_OPERATORS = "+-*/%~[](){}<>=.:|,;";

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private int lineCounted;
  private boolean lineStart = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String source) {
    String text = source.replace("\r\n", "\n").replace('\r', '\n');
    if (text.endsWith("\n")) {
      text = text.substring(0, text.length() - 1);
    }
    Lexer lexer = new Lexer(text);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag(at);
      if (tag < 0) {
        add(Token.Kind.DATA, source.substring(at));
        at = source.length();
        break;
      }
      int from = at;
      at = tag + 2;
      char sign = at < source.length() ? source.charAt(at) : ' ';
      char type = source.charAt(tag + 1);
      if (sign == '-' || sign == '+') {
        at++;
      }
      addData(from, tag, sign, type == '{');
      switch (type) {
        case '{' -> inside(Token.Kind.VARIABLE_BEGIN, Token.Kind.VARIABLE_END);
        case '#' -> comment();
        default -> {
          if (!raw()) {
            inside(Token.Kind.BLOCK_BEGIN, Token.Kind.BLOCK_END);
          }
        }
      }
    }
    add(Token.Kind.END, "");
  }

  private int nextTag(int from) {
    for (int i = source.indexOf('{', from);
        i >= 0 && i + 1 < source.length();
        i = source.indexOf('{', i + 1)) {
      char type = source.charAt(i + 1);
      if (type == '{' || type == '%' || type == '#') {
        return i;
      }
    }
    return -1;
  }

  private void addData(int from, int tag, char sign, boolean variable) {
    int to = tag;
    if (sign == '-') {
      while (to > from && Text.isSpace(source.charAt(to - 1))) {
        to--;
      }
    } else if (sign != '+' && !variable) {
      int blank = to;
      while (blank > from
          && source.charAt(blank - 1) != '\n'
          && Text.isSpace(source.charAt(blank - 1))) {
        blank--;
      }
      if (blank > from ? source.charAt(blank - 1) == '\n' : lineStart) {
        to = blank;
      }
    }
    if (to > from) {
      tokens.add(new Token(Token.Kind.DATA, source.substring(from, to), lineAt(from)));
    }
    lineStart = false;
  }

  private void comment() {
    for (int i = at; i < source.length(); i++) {
      if (tryEnd(i, "#}", true)) {
        return;
      }
    }
    throw TemplateException.syntax("Missing end of comment tag", lineAt(at));
  }

  /**
   * Moves behind {@code end}, with its sign and the white space it takes, when it stands at {@code
   * i}.
   */
  private boolean tryEnd(int i, String end, boolean block) {
    char sign = source.charAt(i);
    boolean signed = (sign == '-' || (block && sign == '+')) && source.startsWith(end, i + 1);
    if (!signed && !source.startsWith(end, i)) {
      return false;
    }
    int next = i + end.length() + (signed ? 1 : 0);
    if (signed && sign == '-') {
      next = Text.skipSpace(source, next);
    } else if (!signed && block && next < source.length() && source.charAt(next) == '\n') {
      next++;
    }
    at = next;
    lineStart = source.charAt(next - 1) == '\n';
    return true;
  }

  private boolean raw() {
    int i = Text.skipSpace(source, at);
    if (!source.startsWith("raw", i)) {
      return false;
    }
    i = Text.skipSpace(source, i + 3);
    if (source.startsWith("-%}", i)) {
      i = Text.skipSpace(source, i + 3);
    } else if (source.startsWith("%}", i)) {
      i += 2;
    } else {
      return false;
    }
    lineStart = source.charAt(i - 1) == '\n';
    int from = i;
    for (int tag = source.indexOf("{%", from); tag >= 0; tag = source.indexOf("{%", tag + 1)) {
      int name = tag + 2;
      char sign = name < source.length() ? source.charAt(name) : ' ';
      name = Text.skipSpace(source, sign == '-' || sign == '+' ? name + 1 : name);
      int end =
          source.startsWith("endraw", name) ? Text.skipSpace(source, name + 6) : source.length();
      if (end < source.length() && tryEnd(end, "%}", true)) {
        boolean after = lineStart;
        lineStart = source.charAt(from - 1) == '\n';
        addData(from, tag, sign, false);
        lineStart = after;
        return true;
      }
    }
    throw TemplateException.syntax("Missing end of raw directive", lineAt(at));
  }

  private void inside(Token.Kind begin, Token.Kind end) {
    add(begin, "");
    boolean block = begin == Token.Kind.BLOCK_BEGIN;
    String closing = block ? "%}" : "}}";
    Deque<Character> open = new ArrayDeque<>();
    while (at < source.length()) {
      int from = at;
      if (open.isEmpty() && tryEnd(at, closing, block)) {
        tokens.add(new Token(end, "", lineAt(from)));
        return;
      }
      char c = source.charAt(at);
      if (Text.isSpace(c)) {
        at = Text.skipSpace(source, at);
      } else if (c >= '0' && c <= '9') {
        number();
      } else if (isWord(source.codePointAt(at))) {
        name();
      } else if (c == '\'' || c == '"') {
        string(c);
      } else {
        operator(open);
      }
    }
  }

  private void name() {
    int from = at;
    while (at < source.length() && isWord(source.codePointAt(at))) {
      at += Character.charCount(source.codePointAt(at));
    }
    String name = source.substring(from, at);
    if (!Text.isIdentifier(name)) {
      throw TemplateException.syntax("Invalid character in identifier", lineAt(from));
    }
    tokens.add(new Token(Token.Kind.NAME, name, lineAt(from)));
  }

  private static boolean isWord(int c) {
    return c == '_' || Text.isAlnum(c);
  }

  private void string(char quote) {
    int i = at + 1;
    while (i < source.length() && source.charAt(i) != quote) {
      i += source.charAt(i) == '\\' ? 2 : 1;
    }
    if (i >= source.length()) {
      throw unexpected();
    }
    tokens.add(
        new Token(
            Token.Kind.STRING,
            Escapes.decode(source.substring(at + 1, i), lineAt(at)),
            lineAt(at)));
    at = i + 1;
  }

  private void operator(Deque<Character> open) {
    String two = source.substring(at, Math.min(at + 2, source.length()));
    String operator = LONG_OPERATORS.contains(two) ? two : two.substring(0, 1);
    char c = operator.charAt(0);
    if (SHORT_OPERATORS.indexOf(c) < 0 && operator.length() == 1) {
      throw unexpected();
    }
    switch (c) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty()) {
          throw TemplateException.syntax("unexpected '" + c + "'", lineAt(at));
        }
        char expected = open.pop();
        if (c != expected) {
          throw TemplateException.syntax(
              "unexpected '" + c + "', expected '" + expected + "'", lineAt(at));
        }
      }
      default -> {}
    }
    add(Token.Kind.OPERATOR, operator);
    at += operator.length();
  }

  private void number() {
    int end = at > 0 && source.charAt(at - 1) == '.' ? -1 : floatEnd();
    if (end >= 0) {
      add(Token.Kind.FLOAT, source.substring(at, end).replace("_", ""));
    } else {
      end = integerEnd();
      add(Token.Kind.INTEGER, source.substring(at, end).replace("_", ""));
    }
    at = end;
  }

  private int floatEnd() {
    int whole = digits(at, 10, false);
    int end = whole;
    if (end + 1 < source.length() && source.charAt(end) == '.' && isDigit(end + 1, 10)) {
      end = digits(end + 1, 10, false);
    }
    if (end < source.length() && Character.toLowerCase(source.charAt(end)) == 'e') {
      int exponent = end + 1;
      if (exponent < source.length() && "+-".indexOf(source.charAt(exponent)) >= 0) {
        exponent++;
      }
      if (isDigit(exponent, 10)) {
        return digits(exponent, 10, false);
      }
    }
    return end > whole ? end : -1;
  }

  private int integerEnd() {
    if (source.charAt(at) != '0') {
      return digits(at, 10, false);
    }
    if (at + 1 < source.length()) {
      int radix =
          switch (Character.toLowerCase(source.charAt(at + 1))) {
            case 'x' -> 16;
            case 'o' -> 8;
            case 'b' -> 2;
            default -> 0;
          };
      if (radix > 0) {
        int end = digits(at + 2, radix, true);
        if (end > at + 2) {
          return end;
        }
      }
    }
    return digits(at, 1, false);
  }

  /** Behind a run of digits with single underscores between them; base 1 has only the digit 0. */
  private int digits(int from, int radix, boolean underscoreFirst) {
    int end = from;
    boolean mayJoin = underscoreFirst;
    while (true) {
      if (isDigit(end, radix)) {
        end++;
      } else if (mayJoin
          && end < source.length()
          && source.charAt(end) == '_'
          && isDigit(end + 1, radix)) {
        end += 2;
      } else {
        return end;
      }
      mayJoin = true;
    }
  }

  private boolean isDigit(int i, int radix) {
    if (i >= source.length() || source.charAt(i) > 127) {
      return false;
    }
    return radix == 1 ? source.charAt(i) == '0' : Character.digit(source.charAt(i), radix) >= 0;
  }

  private TemplateException unexpected() {
    String c = Character.toString(source.codePointAt(at));
    return TemplateException.syntax("unexpected char '" + c + "' at " + at, lineAt(at));
  }

  private void add(Token.Kind kind, String text) {
    tokens.add(new Token(kind, text, lineAt(at)));
  }

  private int lineAt(int position) {
    for (; lineCounted < position; lineCounted++) {
      if (source.charAt(lineCounted) == '\n') {
        line++;
      }
    }
    return line;
  }
}
