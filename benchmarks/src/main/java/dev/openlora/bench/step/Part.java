package dev.openlora.bench.step;

/** What a step's time goes to, in the order in which it is shown. */
enum Part {
  PRODUCTS("matrix products"),
  ADAPTERS("adapters"),
  ATTENTION("attention, rope, kv"),
  ELEMENTWISE("norms, activations"),
  HEAD("logits head"),
  SAMPLING("sampling"),
  JAVA("rest: Java");

  private final String label;

  Part(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }
}
