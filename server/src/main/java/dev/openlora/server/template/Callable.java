package dev.openlora.server.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a template may call. */
sealed interface Callable extends Thing
    permits Callable.Function, Callable.Counter, Callable.Self, Macro {

  Object call(Interpreter interpreter, Args args);

  /** The arguments of one call: by position, and by name in the order they were given. */
  record Args(List<Object> positional, Map<String, Object> named) {
    static final Args NONE = new Args(List.of(), Map.of());

    Args withoutFirst(int count) {
      return new Args(positional.subList(count, positional.size()), named);
    }

    Args without(String name) {
      Map<String, Object> rest = new LinkedHashMap<>(named);
      rest.remove(name);
      return new Args(positional, rest);
    }
  }

  /** What a {@link Function} does. */
  @FunctionalInterface
  interface Body {
    Object call(Interpreter interpreter, Args args);
  }

  /**
   * A global function or a method bound to its object. {@code type} is what Python would call its
   * type.
   */
  record Function(String name, String type, Map<String, Object> attributes, Body body)
      implements Callable {
    Function(String name, Body body) {
      this(name, "function", Map.of(), body);
    }

    @Override
    public Object call(Interpreter interpreter, Args args) {
      return body.call(interpreter, args);
    }
  }

  /** A cycler or a joiner: gives its items in turn. */
  final class Counter implements Callable {
    final String type;
    final List<Object> items;
    private int at;

    Counter(String type, List<Object> items) {
      this.type = type;
      this.items = items;
    }

    Object current() {
      return items.get(at);
    }

    Object next() {
      Object item = items.get(at);
      boolean joiner = type.equals("joiner");
      at = joiner ? 1 : (at + 1) % items.size();
      return item;
    }

    int position() {
      return at;
    }

    void reset() {
      at = 0;
    }

    @Override
    public Object call(Interpreter interpreter, Args args) {
      if (type.equals("joiner")) {
        return next();
      }
      throw TemplateException.type("'Cycler' object is not callable");
    }
  }

  /** {@code self}, or with a name one of its blocks. */
  record Self(@Nullable String block) implements Callable {
    @Override
    public Object call(Interpreter interpreter, Args args) {
      if (block == null) {
        throw TemplateException.type("'TemplateReference' object is not callable");
      }
      return interpreter.renderBlock(block);
    }
  }
}
