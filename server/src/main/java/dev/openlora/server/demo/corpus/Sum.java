package dev.openlora.server.demo.corpus;

import java.util.function.IntUnaryOperator;
import java.util.function.ToIntFunction;

/** A whole number made of others, with {@code + - * /}; a division must be exact. Immutable. */
sealed interface Sum {
  record Constant(int value) implements Sum {}

  record Named(int symbol) implements Sum {}

  record Operation(char operator, Sum left, Sum right) implements Sum {}

  /** The value, given the numbers that the names stand for. */
  default int value(IntUnaryOperator numbers) {
    return switch (this) {
      case Constant(int value) -> value;
      case Named(int symbol) -> numbers.applyAsInt(symbol);
      case Operation(char operator, Sum left, Sum right) ->
          apply(operator, left.value(numbers), right.value(numbers));
    };
  }

  private static int apply(char operator, int left, int right) {
    return switch (operator) {
      case '+' -> Math.addExact(left, right);
      case '-' -> Math.subtractExact(left, right);
      case '*' -> Math.multiplyExact(left, right);
      default -> {
        if (right == 0 || left % right != 0) {
          throw new IllegalStateException(left + " / " + right + " (expected: a whole number)");
        }
        yield left / right;
      }
    };
  }

  /** Reads words, numbers and operators with blanks between them. */
  static Sum parse(String source, ToIntFunction<String> symbols) {
    String[] tokens = source.strip().split("\\s+");
    if (tokens.length % 2 == 0) {
      throw new IllegalArgumentException("'" + source + "' (expected: a + b * 2, …)");
    }
    Sum total = new Constant(0);
    char pending = '+';
    for (int i = 0; i < tokens.length; ) {
      Sum product = atom(tokens[i++], symbols);
      while (i < tokens.length && "*/".contains(tokens[i])) {
        product = new Operation(tokens[i].charAt(0), product, atom(tokens[i + 1], symbols));
        i += 2;
      }
      total = new Operation(pending, total, product);
      if (i < tokens.length) {
        if (!"+-".contains(tokens[i])) {
          throw new IllegalArgumentException("'" + tokens[i] + "' (expected: one of + - * /)");
        }
        pending = tokens[i++].charAt(0);
      }
    }
    return total;
  }

  private static Sum atom(String token, ToIntFunction<String> symbols) {
    boolean number = token.chars().allMatch(c -> c >= '0' && c <= '9');
    return number ? new Constant(Integer.parseInt(token)) : new Named(symbols.applyAsInt(token));
  }
}
