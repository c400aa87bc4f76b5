package dev.openlora.kernels;

import org.jspecify.annotations.Nullable;

/**
 * Whose memory a tensor lies in: an arena or a mapped file. It frees the torch handles that
 * operations keep on its tensors, and its generation tells a tensor whose memory has been taken
 * back. Any thread.
 */
final class TensorOwner {
  private final String name;
  private final boolean readOnly;
  private final TorchHandles handles = new TorchHandles();
  private @Nullable Torch torch;
  private volatile int generation;

  TensorOwner(String name) {
    this(name, false);
  }

  private TensorOwner(String name, boolean readOnly) {
    this.name = name;
    this.readOnly = readOnly;
  }

  /** The owner of memory that the process may not write to. */
  static TensorOwner readOnly(String name) {
    return new TensorOwner(name, true);
  }

  boolean isReadOnly() {
    return readOnly;
  }

  int generation() {
    return generation;
  }

  synchronized void own(Torch torch, long handle) {
    this.torch = torch;
    handles.add(handle);
  }

  /** Ends the life of all tensors made so far. */
  synchronized void takeBack() {
    generation++;
    if (torch != null) {
      handles.freeAll(torch);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
