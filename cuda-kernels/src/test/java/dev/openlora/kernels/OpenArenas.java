package dev.openlora.kernels;

/** How many arenas are open, and their bytes: the same before a test and after it. */
record OpenArenas(int count, long bytes) {
  static OpenArenas now() {
    return new OpenArenas(TensorArena.openArenas(), TensorArena.openBytes());
  }
}
