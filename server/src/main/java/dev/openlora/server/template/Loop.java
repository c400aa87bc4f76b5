package dev.openlora.server.template;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variable {@code loop}. It reads its items one by one, looks one ahead when asked for the last
 * or next item, and reads all of them when asked for a length that the items do not know: a filter
 * that depends on what the body does can tell.
 */
final class Loop implements Thing {
  /** Renders the loop again, on other items and one level deeper. */
  @FunctionalInterface
  interface Recursion {
    Object render(Object items, int depth);
  }

  private final Budget budget;
  private final @Nullable Recursion recursion;
  private final int depth;
  private Iterator<Object> items;
  private int length;
  private int index;
  private @Nullable Object previous;
  private @Nullable Object current;
  private @Nullable Object next;
  private @Nullable Object changed;

  Loop(
      Budget budget, Iterator<Object> items, int length, int depth, @Nullable Recursion recursion) {
    this.budget = budget;
    this.items = items;
    this.length = length;
    this.depth = depth;
    this.recursion = recursion;
  }

  /** Goes to the next item, or gives null at the end. */
  @Nullable Object advance() {
    Object item = peek();
    next = null;
    if (item != null) {
      index++;
      previous = current;
      current = item;
    }
    return item;
  }

  private @Nullable Object peek() {
    if (next == null && items.hasNext()) {
      next = items.next();
    }
    return next;
  }

  int index() {
    return index;
  }

  int length() {
    if (length < 0) {
      List<Object> rest = Values.collect(budget, items);
      length = rest.size() + index + (next == null ? 0 : 1);
      items = rest.iterator();
    }
    return length;
  }

  @Nullable Object attribute(Interpreter in, String name) {
    return switch (name) {
      case "index" -> (long) index;
      case "index0" -> index - 1L;
      case "revindex" -> length() - index + 1L;
      case "revindex0" -> (long) length() - index;
      case "length" -> (long) length();
      case "first" -> index == 1;
      case "last" -> peek() == null;
      case "depth" -> (long) depth;
      case "depth0" -> depth - 1L;
      case "previtem" -> previous != null ? previous : absent("there is no previous item");
      case "nextitem" -> {
        Object after = peek();
        yield after != null ? after : absent("there is no next item");
      }
      case "cycle" -> new Callable.Function(name, "method", Map.of(), (i, args) -> cycle(args));
      case "changed" -> new Callable.Function(name, "method", Map.of(), (i, args) -> changed(args));
      default -> null;
    };
  }

  private static Thing.Undefined absent(String reason) {
    return new Thing.Undefined(TemplateException.Kind.UNDEFINED, reason);
  }

  private Object cycle(Callable.Args args) {
    if (args.positional().isEmpty()) {
      throw TemplateException.type("no items for cycling given");
    }
    return args.positional().get((index - 1) % args.positional().size());
  }

  private Object changed(Callable.Args args) {
    Object values = new Thing.Tuple(List.copyOf(args.positional()));
    boolean differs = changed == null || !Values.equal(budget, changed, values);
    changed = values;
    return differs;
  }

  Object call(Callable.Args args) {
    if (recursion == null) {
      throw TemplateException.type(
          "The loop must have the 'recursive' marker to be called recursively.");
    }
    if (args.positional().size() != 1 || !args.named().isEmpty()) {
      throw TemplateException.type("loop() takes 1 argument: the items to go through");
    }
    return recursion.render(args.positional().getFirst(), depth + 1);
  }
}
