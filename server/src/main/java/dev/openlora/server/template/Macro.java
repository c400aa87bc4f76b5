package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A macro, or the body of a call block: statements with parameters, and the scope they were written
 * in.
 */
record Macro(Stmt.MacroDefinition definition, Scope scope) implements Callable {

  @Override
  public Object call(Interpreter in, Args args) {
    List<String> parameters = definition.parameters();
    Scope inner = new Scope(scope);
    Map<String, Object> named = new LinkedHashMap<>(args.named());
    List<Object> given = args.positional();
    List<Integer> left = new ArrayList<>();
    boolean callerGiven = false;
    for (int i = 0; i < parameters.size(); i++) {
      String parameter = parameters.get(i);
      Object value = i < given.size() ? given.get(i) : named.remove(parameter);
      callerGiven |= parameter.equals("caller");
      if (value == null) {
        left.add(i);
        value =
            new Thing.Undefined(
                TemplateException.Kind.UNDEFINED, "parameter '" + parameter + "' was not provided");
      }
      inner.set(parameter, value);
    }
    if (uses("caller") && !callerGiven) {
      Object caller = named.remove("caller");
      inner.set(
          "caller",
          caller != null
              ? caller
              : new Thing.Undefined(TemplateException.Kind.UNDEFINED, "No caller defined"));
    }
    if (uses("kwargs")) {
      Dict rest = new Dict();
      named.forEach((name, value) -> rest.put(in.budget(), name, value));
      inner.set("kwargs", rest);
    } else if (!named.isEmpty()) {
      String reason =
          named.containsKey("caller")
              ? "was invoked with two values for the special caller argument"
              : "takes no keyword argument '" + named.keySet().iterator().next() + "'";
      throw TemplateException.type("macro '" + definition.name() + "' " + reason);
    }
    int count = parameters.size();
    if (uses("varargs")) {
      inner.set(
          "varargs",
          new Thing.Tuple(
              given.size() > count ? List.copyOf(given.subList(count, given.size())) : List.of()));
    } else if (given.size() > count) {
      throw TemplateException.type(
          "macro '" + definition.name() + "' takes not more than " + count + " argument(s)");
    }
    return in.renderMacro(definition, inner, left);
  }

  private boolean uses(String special) {
    return definition.uses().contains(special) && !definition.parameters().contains(special);
  }

  @Nullable Object attribute(String name) {
    return switch (name) {
      case "name" -> definition.name();
      case "arguments" -> new Thing.Tuple(List.copyOf(definition.parameters()));
      case "catch_kwargs" -> uses("kwargs");
      case "catch_varargs" -> uses("varargs");
      case "caller" -> uses("caller");
      case "explicit_caller" -> definition.parameters().contains("caller");
      default -> null;
    };
  }
}
