package dev.openlora.bench.step;

import java.util.Locale;

/** Which operations run a step. */
enum KernelChoice {
  /** The C++ kernels, where they were built and the machine has what they need. */
  NATIVE,
  /** libtorch's operations, everywhere. */
  PORTABLE;

  static KernelChoice parse(String text) {
    for (KernelChoice choice : values()) {
      if (choice.label().equals(text)) {
        return choice;
      }
    }
    throw new IllegalArgumentException("kernels: '" + text + "' (expected: native or portable)");
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
