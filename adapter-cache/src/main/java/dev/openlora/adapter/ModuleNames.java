package dev.openlora.adapter;

import java.util.List;

/** A choice of modules by name, as {@code target_modules} and {@code exclude_modules} make it. */
sealed interface ModuleNames {
  /** The names themselves or dotted suffixes of them. */
  record Listed(List<String> names) implements ModuleNames {
    boolean containsExactly(String module) {
      return names.contains(module);
    }

    boolean containsSuffix(String module) {
      return names.stream().anyMatch(name -> module.endsWith("." + name));
    }
  }

  /** An expression for the whole name. */
  record Matching(NamePattern pattern) implements ModuleNames {}

  /** Every linear layer except the output head. */
  record AllLinear() implements ModuleNames {}
}
