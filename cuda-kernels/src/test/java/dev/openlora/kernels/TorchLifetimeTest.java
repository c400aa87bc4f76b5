package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What libtorch costs the process over time, and how it is found. */
final class TorchLifetimeTest {
  private static final int STEPS = 10_000;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertThat(TensorArena.openArenas()).isZero();
    assertThat(TensorArena.openBytes()).isZero();
    assertThat(Torch.liveHandles()).isZero();
  }

  @Test
  void stepsLeaveNoHandleAndNoMemoryBehind() throws IOException {
    try (TorchOps ops = TorchUnderTest.open();
        TensorArena weights = ops.newArena("weights");
        TensorArena step = ops.newArena("step")) {
      Tensor weight = filled(weights.allocate(DType.BF16, 16, 16));
      Tensor norm = filled(weights.allocate(DType.BF16, 16));
      Tensor a = filled(weights.allocate(DType.BF16, 4, 16));
      Tensor b = filled(weights.allocate(DType.BF16, 16, 4));
      Tensor angles = weights.copyOf(new float[8 * 4], 8, 4);
      KvPages pages = ops.newKvPages(weights, new KvPages.Shape(1, 4, 4, 2, 8, DType.BF16));
      LoraSegment segment = new LoraSegment(0, 2, a, b, 1, norm, norm);
      long handles = 0;
      long bytes = 0;
      long resident = 0;
      for (int i = 0; i < STEPS; i++) {
        step.reset();
        Tensor ids = step.copyOf(new int[] {1, 2});
        Tensor x = step.allocate(DType.BF16, 2, 16);
        Tensor y = step.allocate(DType.BF16, 2, 16);
        ops.embedding(x, weight, ids);
        ops.rmsNorm(y, x, norm, 1e-6f);
        ops.linear(x, y, weight, norm);
        ops.linear(step.allocate(DType.F32, 2, 16), y, weight.rows(0, 16), null);
        ops.addLora(y, x, List.of(segment));
        ops.add(x, y);
        Tensor q = x.reshape(2, 2, 8);
        ops.rope(q, angles, angles, ids);
        AttentionBatch batch =
            new AttentionBatch(new int[] {0, 1, 2}, new int[] {5, 3}, new int[][] {{2, 0}, {1}});
        AttentionPlan plan = ops.plan(step, pages, batch);
        ops.writeKv(plan, 0, q, q);
        ops.attention(plan, 0, y.reshape(2, 2, 8), q, 0.3f, 0);
        ops.siluMul(x, y, y);
        ops.gatherRows(step.allocate(DType.BF16, 1, 16), x, new int[] {1});
        if (i == STEPS / 10) {
          handles = Torch.liveHandles();
          bytes = TensorArena.openBytes();
          resident = residentBytes();
        }
      }
      assertThat(Torch.liveHandles()).isEqualTo(handles);
      assertThat(TensorArena.openBytes()).isEqualTo(bytes);
      assertThat(residentBytes() - resident).as("growth of the process").isLessThan(24L << 20);
    }
  }

  private static Tensor filled(Tensor tensor) {
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 7 - 3) / 8f;
    }
    tensor.write(values);
    return tensor;
  }

  private static long residentBytes() throws IOException {
    String pages = Files.readString(Path.of("/proc/self/statm")).split(" ")[1];
    return Long.parseLong(pages) * 4096;
  }

  @Test
  void djlsEngineStillWorksBesideOurs() throws IOException {
    if (!TorchUnderTest.isDjls()) {
      Assumptions.abort("-Dopenlora.libtorch names another libtorch than DJL's");
    }
    try (TorchOps ops = TorchUnderTest.open();
        TensorArena arena = ops.newArena("test");
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      float[] values = {1, 2, 3, 4};
      Tensor x = arena.copyOf(values, 2, 2);
      Tensor out = arena.allocate(DType.F32, 2, 2);
      ops.linear(out, x, x, null);
      var array = manager.create(values, new ai.djl.ndarray.types.Shape(2, 2));
      assertThat(out.toFloats()).isEqualTo(array.matMul(array.transpose()).toFloatArray());
    }
  }

  @Test
  void readsAMappedWeightWithoutCopyingIt() throws IOException {
    Path file = folder.resolve("w.safetensors");
    new SafetensorsWriter()
        .add("w", SafetensorsType.BF16, new long[] {2, 2}, () -> new float[] {1, 2, 3, 4})
        .writeTo(file);
    try (TorchOps ops = TorchUnderTest.open();
        TensorArena arena = ops.newArena("test");
        SafetensorsFile opened = SafetensorsFile.open(file)) {
      Tensor weight = opened.tensor("w");
      Tensor x = arena.allocate(DType.BF16, 1, 2);
      x.write(new float[] {1, 1});
      Tensor out = arena.allocate(DType.F32, 1, 2);
      ops.linear(out, x, weight, null);
      assertThat(out.toFloats()).containsExactly(3, 7);
    }
  }

  @Test
  void saysWhatItRunsOn() throws IOException {
    TorchLibrary library = TorchUnderTest.library();
    assertThat(library.version()).matches("2\\.[0-9]+\\.[0-9]+");
    assertThat(library.threads()).isPositive();
    assertThat(library.folder().resolve("libtorch_cpu.so")).exists();
    try (TorchOps ops = TorchUnderTest.open()) {
      assertThat(ops.description())
          .isEqualTo("torch " + library.version() + " (cpu, " + library.threads() + " threads)");
    }
  }

  @Test
  void findsLibtorchWhereAPipInstallationHasIt() throws IOException {
    TorchLibrary library = TorchUnderTest.library();
    Path lib = Files.createDirectories(folder.resolve("torch")).resolve("lib");
    Files.createSymbolicLink(lib, library.folder());
    for (Path named : List.of(folder, folder.resolve("torch"), lib)) {
      TorchLibrary.Options options = new TorchLibrary.Options(named, 0, TorchLibrary.Waiting.SLEEP);
      assertThat(TorchLibrary.load(options)).isSameAs(library);
    }
  }

  @Test
  void refusesAFolderWithoutLibtorchAndADeviceThatItLacks() throws IOException {
    TorchLibrary library = TorchUnderTest.library();
    TorchLibrary.Options wrong = new TorchLibrary.Options(folder, 0, TorchLibrary.Waiting.SLEEP);
    assertThatThrownBy(() -> TorchLibrary.load(wrong))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("libtorch_cpu.so");
    if (!library.hasCuda()) {
      assertThatThrownBy(() -> new TorchOps(library, Device.parse("cuda")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("cuda:0 (expected: cpu");
    }
  }

  @Test
  void torchsOwnRefusalNamesTheOperationAndItsShapes() throws IOException {
    Torch torch = new Torch(TorchUnderTest.library(), Device.CPU);
    try (TorchOps ops = TorchUnderTest.open();
        TensorArena arena = ops.newArena("test")) {
      TorchHandles passing = new TorchHandles();
      long x = arena.copyOf(new float[6], 2, 3).handle(torch, passing);
      assertThatThrownBy(() -> torch.mm(x, x, x))
          .isInstanceOf(TorchException.class)
          .hasMessageContaining(": mm (dtype 6 [2, 3], dtype 6 [2, 3], dtype 6 [2, 3])");
      Tensor table = arena.copyOf(new float[6], 2, 3);
      Tensor ids = arena.copyOf(new int[] {2});
      Tensor out = arena.allocate(DType.F32, 1, 3);
      assertThatThrownBy(() -> ops.embedding(out, table, ids))
          .isInstanceOf(TorchException.class)
          .hasMessageContaining("aten::index_select (dtype 6 [1, 3]");
    }
  }
}
