package dev.openlora.kernels;

/** What the CPU kernels are written for, from what most machines have to what few do. */
public enum CpuIsa {
  AVX2(1),
  AVX512_BF16(2),
  AMX_BF16(4);

  private final int bit;

  CpuIsa(int bit) {
    this.bit = bit;
  }

  /** The bits of this one and of what is older. */
  int mask() {
    return 2 * bit - 1;
  }

  /** The last one, which every machine may be asked for: it takes the newest that it has. */
  public static CpuIsa newest() {
    return AMX_BF16;
  }

  static CpuIsa of(int bit) {
    for (CpuIsa isa : values()) {
      if (isa.bit == bit) {
        return isa;
      }
    }
    throw new IllegalArgumentException("instruction set: " + bit + " (expected: 1, 2 or 4)");
  }
}
