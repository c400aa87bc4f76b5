package dev.openlora.server.template;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a built-in function; those after the first {@code required} may be left out.
 */
record Signature(String name, int required, List<String> parameters) {

  static Signature of(String name, int required, String... parameters) {
    return new Signature(name, required, List.of(parameters));
  }

  /** Puts each argument where its parameter is, or fails as Python does. */
  Bound bind(Callable.Args args) {
    List<Object> positional = args.positional();
    if (positional.size() > parameters.size()) {
      throw TemplateException.type(
          name
              + "() takes "
              + parameters.size()
              + " arguments but "
              + positional.size()
              + " were given");
    }
    @Nullable Object[] values = new @Nullable Object[parameters.size()];
    for (int i = 0; i < positional.size(); i++) {
      values[i] = positional.get(i);
    }
    args.named()
        .forEach((key, value) -> {
          int i = parameters.indexOf(key);
          if (i < 0) {
            throw TemplateException.type(
                name + "() got an unexpected keyword argument '" + key + "'");
          }
          if (values[i] != null) {
            throw TemplateException.type(
                name + "() got multiple values for argument '" + key + "'");
          }
          values[i] = value;
        });
    for (int i = 0; i < required; i++) {
      if (values[i] == null) {
        throw TemplateException.type(
            name + "() missing a required argument: '" + parameters.get(i) + "'");
      }
    }
    return new Bound(this, Arrays.asList(values));
  }

  /** Arguments in the order of the parameters. */
  record Bound(Signature signature, List<@Nullable Object> values) {

    boolean has(int i) {
      return values.get(i) != null;
    }

    boolean hasValue(int i) {
      return values.get(i) != null && values.get(i) != Thing.None.NONE;
    }

    Object get(int i) {
      Object value = values.get(i);
      if (value == null) {
        throw TemplateException.type(
            signature.name()
                + "() missing a required argument: '"
                + signature.parameters().get(i)
                + "'");
      }
      return value;
    }

    Object get(int i, Object otherwise) {
      Object value = values.get(i);
      return value == null ? otherwise : value;
    }

    boolean truth(int i, boolean otherwise) {
      Object value = values.get(i);
      return value == null ? otherwise : Values.truth(value);
    }

    /** A string, or the failure that a str method gives. */
    String text(int i) {
      return text(i, null);
    }

    String text(int i, @Nullable String otherwise) {
      Object value = values.get(i);
      if (value == null && otherwise != null) {
        return otherwise;
      }
      return switch (get(i)) {
        case String s -> s;
        case Thing.Markup m -> m.text();
        case Object other ->
            throw TemplateException.type(
                signature.name()
                    + "() argument "
                    + (i + 1)
                    + " must be str, not "
                    + Values.type(other));
      };
    }

    /** An int, clamped to the range of Java's, or the failure that Python gives. */
    int integer(int i, int otherwise) {
      Object value = values.get(i);
      return value == null ? otherwise : Numbers.index(value);
    }
  }
}
