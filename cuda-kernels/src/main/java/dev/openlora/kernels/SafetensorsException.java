package dev.openlora.kernels;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file that is not what it says: the sentence names the file and, where it is one, the tensor.
 */
public final class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;

  SafetensorsException(Path file, String problem) {
    super(file + ": " + problem);
  }

  SafetensorsException(Path file, String problem, Throwable cause) {
    super(file + ": " + problem, cause);
  }
}
