package dev.openlora.server.template;

/**
 * What one rendering, or one compilation, has used of its {@link TemplateLimits}. Whoever is about
 * to take something asks here first and gets a {@link TemplateException.Kind#LIMIT} instead. One
 * thread only.
 */
final class Budget {
  private static final int LOOK_AT_CLOCK = 255;
  private static final long LARGE = 1 << 14;
  private static final long SCANNED_UNTIMED = 4 << 20;
  private static final int BYTES_PER_GIVEN_CHAR = 64;
  private static final int BYTES_PER_ITEM = 16;

  private final TemplateLimits limits;
  private final long builtMax;
  private final long started = System.nanoTime();
  private long scanned;
  private long steps;
  private long built;
  private int depth;

  Budget(TemplateLimits limits, long givenChars) {
    this.limits = limits;
    this.builtMax = limits.builtBytes() + BYTES_PER_GIVEN_CHAR * givenChars;
  }

  TemplateLimits limits() {
    return limits;
  }

  /** One loop iteration, filter item or call. */
  void step() {
    if (++steps > limits.steps()) {
      throw TemplateException.limit("more than " + limits.steps() + " steps");
    }
    if ((steps & LOOK_AT_CLOCK) == 0) {
      checkClock();
    }
  }

  /** A string of so many characters is about to be built. */
  void text(long chars) {
    if (chars > limits.stringChars()) {
      throw TemplateException.limit(
          "a string of more than " + limits.stringChars() + " characters");
    }
    take(chars);
  }

  /** So many characters are about to be looked through, which builds nothing but takes its time. */
  void scan(long chars) {
    scanned += chars;
    if (scanned > SCANNED_UNTIMED) {
      scanned = 0;
      checkClock();
    }
  }

  /** A list or dict of so many items is about to be built. */
  void items(long count) {
    checkItems(count);
    take(BYTES_PER_ITEM * count);
  }

  /**
   * A list that grows item by item has reached this size; what it takes was asked for with {@link
   * #item()}.
   */
  void checkItems(long count) {
    if (count > limits.listItems()) {
      throw TemplateException.limit("a list of more than " + limits.listItems() + " items");
    }
  }

  /** One more item in a list that grows. */
  void item() {
    take(BYTES_PER_ITEM);
  }

  /** An int of so many bits is about to be built. */
  void integer(long bits) {
    if (bits > limits.integerBits()) {
      throw TemplateException.limit("an int of more than " + limits.integerBits() + " bits");
    }
  }

  /** Goes one macro, caller or recursive loop deeper; {@link #leave()} comes back. */
  void enter() {
    step();
    if (++depth > limits.callDepth()) {
      throw TemplateException.limit("calls more than " + limits.callDepth() + " deep");
    }
  }

  void leave() {
    depth--;
  }

  /** A value is printed or compared, so many lists and dicts inside one another. */
  void nesting(int levels) {
    if (levels > limits.callDepth()) {
      throw TemplateException.limit("a value nested more than " + limits.callDepth() + " deep");
    }
  }

  private void take(long bytes) {
    built += bytes;
    if (built > builtMax) {
      throw TemplateException.limit("strings and lists of more than " + builtMax + " bytes");
    }
    if (bytes > LARGE) {
      checkClock();
    }
  }

  private void checkClock() {
    if (System.nanoTime() - started > limits.deadlineMillis() * 1_000_000) {
      throw TemplateException.limit("more than " + limits.deadlineMillis() + " ms");
    }
  }
}
