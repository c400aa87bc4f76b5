package dev.openlora.server.template;

/**
 * How much a template may take. Templates arrive with uploaded adapters, so every loop, value and
 * text has a bound, and each is checked before the thing is built.
 *
 * <p>{@code builtBytes} is the only one without a number in the contract: a million strings of four
 * mebibytes each respect all the others. It counts what a rendering builds, garbage included, plus
 * 64 bytes per character given.
 *
 * @param sourceBytes UTF-8 size of a template
 * @param syntaxNesting brackets, operators and blocks inside one another
 * @param operatorChain operators, filters or subscripts in a row
 * @param callDepth macros, callers and recursive loops inside one another, and nesting of a printed
 *     value
 * @param steps loop iterations, filter items and calls
 * @param outputBase characters of output that are always allowed
 * @param outputFactor further characters of output per character of input and template
 * @param stringChars length of one string
 * @param listItems items of one list or dict
 * @param integerBits size of one int
 * @param builtBytes memory for strings and lists over a whole rendering
 * @param deadlineMillis the last resort
 */
public record TemplateLimits(
    int sourceBytes,
    int syntaxNesting,
    int operatorChain,
    int callDepth,
    long steps,
    long outputBase,
    int outputFactor,
    int stringChars,
    int listItems,
    int integerBits,
    long builtBytes,
    long deadlineMillis) {

  public static final TemplateLimits DEFAULT =
      new TemplateLimits(
          1 << 20, 200, 1_000, 200, 1_000_000, 64 << 10, 8, 4 << 20, 1_000_000, 4_096, 96L << 20,
          1_000);

  public TemplateLimits {
    positive("sourceBytes", sourceBytes);
    positive("syntaxNesting", syntaxNesting);
    positive("operatorChain", operatorChain);
    positive("callDepth", callDepth);
    positive("steps", steps);
    positive("outputBase", outputBase);
    positive("outputFactor", outputFactor);
    positive("stringChars", stringChars);
    positive("listItems", listItems);
    positive("integerBits", integerBits);
    positive("builtBytes", builtBytes);
    positive("deadlineMillis", deadlineMillis);
  }

  private static void positive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: at least 1)");
    }
  }
}
