package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenFilesTest {
  @Test
  void readsTheLimitOfOpenFiles() throws IOException {
    String head = "Limit                     Soft Limit           Hard Limit           Units";
    String line = "Max open files            1024                 524288               files";
    assertThat(OpenFiles.max(List.of(head, line))).isEqualTo(1024);
    assertThat(OpenFiles.max(List.of(line.replace("1024     ", "unlimited"))))
        .isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> OpenFiles.max(List.of(head))).hasMessageContaining("Max open files");
  }
}
