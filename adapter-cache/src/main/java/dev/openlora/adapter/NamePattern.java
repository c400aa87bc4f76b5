package dev.openlora.adapter;

import java.util.ArrayList;
import java.util.List;

/**
 * A regular expression over module names, with the meaning that Python's {@code re.fullmatch} gives
 * it. It comes from an untrusted file, so it is not run by a backtracking engine: all ways through
 * the expression are followed side by side, and every step is paid from a {@link Budget}. What
 * Python reads otherwise, or would need backtracking (back references, look-behind, inline flags),
 * is refused rather than approximated. Immutable, any thread.
 */
final class NamePattern {
  private static final int MAX_LENGTH = 1_000;
  private static final int MAX_STATES = 5_000;

  private final String source;
  private final List<State> states;
  private final int start;

  /** Steps that all matches of one adapter may take together. One thread. */
  static final class Budget {
    private long steps;

    Budget(long steps) {
      this.steps = steps;
    }

    void pay(NamePattern pattern) throws AdapterException {
      if (--steps < 0) {
        throw Refusal.unsupported(
            "regular expression '" + Refusal.shown(pattern.source) + "'", "takes too many steps");
      }
    }
  }

  private sealed interface State {
    /** Consumes one character. */
    record Step(CharacterSet set, int next) implements State {}

    /** Goes both ways without consuming. */
    record Fork(int one, int other) implements State {}

    /** Goes on where the position allows it. */
    record Check(Position position, int next) implements State {}

    /** Goes on where the sub-expression does (or does not) match from here. */
    record Look(int body, boolean negative, int next) implements State {}

    /** The end of the expression or of a look-ahead. */
    record End() implements State {}
  }

  private enum Position {
    START,
    END,
    BOUNDARY,
    NO_BOUNDARY
  }

  private NamePattern(String source, List<State> states, int start) {
    this.source = source;
    this.states = states;
    this.start = start;
  }

  /** Compiles an expression from the named key. */
  static NamePattern compile(String key, String expression) throws AdapterException {
    if (expression.length() > MAX_LENGTH) {
      throw Refusal.invalid(
          key,
          "a regular expression of "
              + expression.length()
              + " characters (expected: at most "
              + MAX_LENGTH
              + ")");
    }
    PatternNode tree = new PatternParser(key, expression).parse();
    List<State> states = new ArrayList<>();
    states.add(new State.End());
    int start = new Compiler(key, expression, states).compile(tree, 0);
    return new NamePattern(expression, List.copyOf(states), start);
  }

  /** Whether the whole name matches. */
  boolean matches(String name, Budget budget) throws AdapterException {
    return run(start, name, 0, true, budget);
  }

  @Override
  public String toString() {
    return source;
  }

  private boolean run(int from, String name, int at, boolean whole, Budget budget)
      throws AdapterException {
    int[] current = new int[states.size()];
    int[] next = new int[states.size()];
    boolean[] seen = new boolean[states.size()];
    int count = close(from, name, at, current, 0, seen, budget);
    for (int position = at; ; position++) {
      if (seen[0] && (!whole || position == name.length())) {
        return true;
      }
      if (position == name.length() || count == 0) {
        return false;
      }
      seen = new boolean[states.size()];
      int reached = 0;
      for (int i = 0; i < count; i++) {
        budget.pay(this);
        if (states.get(current[i]) instanceof State.Step step
            && step.set().contains(name.charAt(position))) {
          reached = close(step.next(), name, position + 1, next, reached, seen, budget);
        }
      }
      int[] swap = current;
      current = next;
      next = swap;
      count = reached;
    }
  }

  /** Adds the consuming states that are reachable from a state without consuming. */
  private int close(
      int from, String name, int at, int[] into, int count, boolean[] seen, Budget budget)
      throws AdapterException {
    List<Integer> open = new ArrayList<>();
    open.add(from);
    int size = count;
    while (!open.isEmpty()) {
      int index = open.removeLast();
      if (seen[index]) {
        continue;
      }
      seen[index] = true;
      budget.pay(this);
      switch (states.get(index)) {
        case State.Step _ -> into[size++] = index;
        case State.Fork fork -> {
          open.add(fork.one());
          open.add(fork.other());
        }
        case State.Check check -> {
          if (holds(check.position(), name, at)) {
            open.add(check.next());
          }
        }
        case State.Look look -> {
          if (run(look.body(), name, at, false, budget) != look.negative()) {
            open.add(look.next());
          }
        }
        case State.End _ -> {}
      }
    }
    return size;
  }

  private static boolean holds(Position position, String name, int at) {
    boolean boundary = word(name, at - 1) != word(name, at);
    return switch (position) {
      case START -> at == 0;
      case END -> at == name.length();
      case BOUNDARY -> boundary;
      case NO_BOUNDARY -> !boundary;
    };
  }

  private static boolean word(String name, int at) {
    return at >= 0 && at < name.length() && CharacterSet.WORD.contains(name.charAt(at));
  }

  /** Turns a tree into states, from the back: each node is given the state that follows it. */
  private record Compiler(String key, String expression, List<State> states) {
    int compile(PatternNode node, int next) throws AdapterException {
      return switch (node) {
        case PatternNode.One one -> add(new State.Step(one.set(), next));
        case PatternNode.Anchor anchor ->
            add(
                new State.Check(
                    switch (anchor.kind()) {
                      case START -> Position.START;
                      case END -> Position.END;
                      case BOUNDARY -> Position.BOUNDARY;
                      case NO_BOUNDARY -> Position.NO_BOUNDARY;
                    },
                    next));
        case PatternNode.Look look ->
            add(new State.Look(compile(look.body(), 0), look.negative(), next));
        case PatternNode.Sequence sequence -> {
          int after = next;
          for (int i = sequence.parts().size() - 1; i >= 0; i--) {
            after = compile(sequence.parts().get(i), after);
          }
          yield after;
        }
        case PatternNode.Choice choice -> {
          int either = compile(choice.options().getLast(), next);
          for (int i = choice.options().size() - 2; i >= 0; i--) {
            either = add(new State.Fork(compile(choice.options().get(i), next), either));
          }
          yield either;
        }
        case PatternNode.Repeat repeat -> repeat(repeat, next);
      };
    }

    private int repeat(PatternNode.Repeat repeat, int next) throws AdapterException {
      int after = next;
      if (repeat.max() == PatternNode.Repeat.UNBOUNDED) {
        int loop = add(new State.Fork(next, next));
        states.set(loop, new State.Fork(compile(repeat.body(), loop), next));
        after = loop;
      } else {
        for (int i = repeat.min(); i < repeat.max(); i++) {
          after = add(new State.Fork(compile(repeat.body(), after), next));
        }
      }
      for (int i = 0; i < repeat.min(); i++) {
        after = compile(repeat.body(), after);
      }
      return after;
    }

    private int add(State state) throws AdapterException {
      if (states.size() >= MAX_STATES) {
        throw Refusal.unsupported(
            key,
            "the regular expression '"
                + Refusal.shown(expression)
                + "' is too large when its repetitions are written out");
      }
      states.add(state);
      return states.size() - 1;
    }
  }
}
