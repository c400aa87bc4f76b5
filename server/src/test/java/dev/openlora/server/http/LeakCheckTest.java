package dev.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

/** The check that other tests rely on does see a leak. */
class LeakCheckTest {
  @Test
  void seesABufferThatNobodyReleased() {
    LeakCheck.assertNoLeaks();
    leak();
    assertThatThrownBy(LeakCheck::assertNoLeaks).hasMessageContaining("ByteBuf");
    LeakCheck.forget();
    LeakCheck.assertNoLeaks();
  }

  private static void leak() {
    assertThat(ByteBufAllocator.DEFAULT.heapBuffer(16).writeByte(1).readableBytes()).isEqualTo(1);
  }
}
