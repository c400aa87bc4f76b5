package dev.openlora.engine.reference;

import ai.djl.pytorch.jni.JniUtils;

/**
 * PyTorch's gradient mode switched for a scope. It belongs to a thread, and is on in every new one,
 * so whoever computes without gradients has to say so. The thread that opened it closes it.
 */
final class GradientMode implements AutoCloseable {
  private final boolean before;

  private GradientMode(boolean on) {
    before = JniUtils.isGradMode();
    JniUtils.setGradMode(on);
  }

  static GradientMode off() {
    return new GradientMode(false);
  }

  @Override
  public void close() {
    JniUtils.setGradMode(before);
  }
}
