package dev.openlora.server.assembly;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MachineTest {
  private static final String XEON =
      """
      processor	: 0
      vendor_id	: GenuineIntel
      model name	: Intel(R)  Xeon(R) Processor @ 2.00GHz
      flags		: fpu sse2 fma avx2 avx512f avx512_vnni avx512_bf16 amx_bf16 amx_tile amx_int8

      processor	: 1
      model name	: another
      flags		: fpu
      """;

  @Test
  void readsTheModelAndTheFlagsThatMatter() {
    assertThat(Machine.cpuModel(XEON)).isEqualTo("Intel(R) Xeon(R) Processor @ 2.00GHz");
    assertThat(Machine.cpuFeatures(XEON))
        .containsExactly(
            "amx_bf16", "amx_int8", "avx2", "avx512_bf16", "avx512_vnni", "avx512f", "fma");
  }

  @Test
  void aCpuInfoWithoutThoseFieldsClaimsNothing() {
    assertThat(Machine.cpuModel("")).isEqualTo(System.getProperty("os.arch"));
    assertThat(Machine.cpuFeatures("processor : 0\n")).isEmpty();
  }

  @Test
  void readsMemoryInMebibytes() {
    String text = "MemTotal:       24676820 kB\nMemFree: 10 kB\nMemAvailable:   23000000 kB\n";

    assertThat(Machine.memInfoMiB(text, "MemTotal")).isEqualTo(24098);
    assertThat(Machine.memInfoMiB(text, "MemAvailable")).isEqualTo(22460);
    assertThat(Machine.memInfoMiB("", "MemTotal")).isZero();
  }

  @Test
  void readsControlGroupLimits() {
    assertThat(Machine.controlGroupLimitMiB("max\n")).isZero();
    assertThat(Machine.controlGroupLimitMiB("")).isZero();
    assertThat(Machine.controlGroupLimitMiB("2147483648\n")).isEqualTo(2048);
  }

  @Test
  void readsGpuLinesAndIgnoresComplaints() {
    assertThat(Machine.gpuLines("NVIDIA H200, 143771 MiB,  570.86.15\n"))
        .containsExactly("NVIDIA H200, 143771 MiB, 570.86.15");
    assertThat(Machine.gpuLines("No devices were found\n")).isEmpty();
  }
}
