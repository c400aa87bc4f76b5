package dev.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/** Whether a buffer was collected without a release; {@link LeakCheckTest} shows that it sees. */
public final class LeakCheck {
  private LeakCheck() {}

  /** Collects garbage and looks what it held. */
  public static void assertNoLeaks() {
    for (int i = 0; i < 3; i++) {
      System.gc();
      touch();
    }
    assertThat(RecordingLeakDetector.LEAKS).isEmpty();
  }

  /** After a leak that was meant. */
  static void forget() {
    RecordingLeakDetector.LEAKS.clear();
  }

  /** Detectors report when the next buffer is tracked. */
  private static void touch() {
    for (int i = 0; i < 4; i++) {
      ByteBuf heap = ByteBufAllocator.DEFAULT.heapBuffer(16);
      heap.release();
      ByteBuf direct = ByteBufAllocator.DEFAULT.directBuffer(16);
      direct.release();
    }
  }
}
