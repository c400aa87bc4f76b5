package dev.openlora.bench.step;

/** An operation of {@link dev.openlora.kernels.Ops} that takes time, and the part it counts to. */
enum Operation {
  LINEAR("linear", Part.PRODUCTS),
  GATED_LINEAR("gatedLinear", Part.PRODUCTS),
  PREPARE("prepare", Part.PRODUCTS),
  ADD_LORA("addLora", Part.ADAPTERS),
  LORA_ROW_NORMS("loraRowNorms", Part.ADAPTERS),
  PLAN("plan", Part.ATTENTION),
  ROPE("rope", Part.ATTENTION),
  WRITE_KV("writeKv", Part.ATTENTION),
  ATTENTION("attention", Part.ATTENTION),
  EMBEDDING("embedding", Part.ELEMENTWISE),
  RMS_NORM("rmsNorm", Part.ELEMENTWISE),
  ADD("add", Part.ELEMENTWISE),
  SILU_MUL("siluMul", Part.ELEMENTWISE),
  GATHER_ROWS("gatherRows", Part.ELEMENTWISE),
  COPY("copy", Part.ELEMENTWISE);

  private final String method;
  private final Part part;

  Operation(String method, Part part) {
    this.method = method;
    this.part = part;
  }

  /** Its method in {@link dev.openlora.kernels.Ops}. */
  String method() {
    return method;
  }

  Part part() {
    return part;
  }
}
