package dev.openlora.server.template;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The variables of one block. What is not here is looked up in the block around it, down to what
 * was given. A loop makes one per iteration, and it mostly holds two names, so two short arrays
 * beat a map.
 */
final class Scope {
  private final @Nullable Scope parent;
  private String[] names;
  private Object[] values;
  private int size;

  Scope(@Nullable Scope parent) {
    this.parent = parent;
    this.names = new String[2];
    this.values = new Object[2];
  }

  void set(String name, Object value) {
    int i = indexOf(name);
    if (i < 0) {
      i = size++;
      if (i == names.length) {
        names = Arrays.copyOf(names, 2 * i);
        values = Arrays.copyOf(values, 2 * i);
      }
      names[i] = name;
    }
    values[i] = value;
  }

  private int indexOf(String name) {
    for (int i = 0; i < size; i++) {
      if (names[i].equals(name)) {
        return i;
      }
    }
    return -1;
  }

  @Nullable Object get(String name) {
    for (Scope s = this; s != null; s = s.parent) {
      int i = s.indexOf(name);
      if (i >= 0) {
        return s.values[i];
      }
    }
    return null;
  }
}
