package dev.openlora.kernels;

/** libtorch refused or failed an operation. The message names it and the tensors that it got. */
public final class TorchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TorchException(String message) {
    super(message);
  }

  TorchException(String message, Throwable cause) {
    super(message, cause);
  }
}
