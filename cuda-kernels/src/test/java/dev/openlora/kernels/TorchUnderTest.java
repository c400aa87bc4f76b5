package dev.openlora.kernels;

import java.io.IOException;
import java.nio.file.Path;

/** The libtorch that tests run on: DJL's, or the folder in {@code -Dopenlora.libtorch=}. */
public final class TorchUnderTest {
  private TorchUnderTest() {}

  public static boolean isDjls() {
    return System.getProperty("openlora.libtorch") == null;
  }

  public static TorchLibrary library() throws IOException {
    Path folder = isDjls() ? null : Path.of(System.getProperty("openlora.libtorch", ""));
    return TorchLibrary.load(new TorchLibrary.Options(folder, 0, TorchLibrary.Waiting.SLEEP));
  }

  /** Operations on the host. */
  public static TorchOps open() throws IOException {
    return new TorchOps(library(), Device.CPU);
  }
}
