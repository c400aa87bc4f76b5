package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.kernels.ReferenceOps;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters that others trained and published, with the config keys that PEFT versions wrote. */
class RealAdaptersTest {
  private final ReferenceOps ops = new ReferenceOps();

  @Test
  void loadsTheOneForQwen() throws AdapterException {
    try (TinyBase qwen = new TinyBase(TinyBase.Shape.QWEN, ops);
        LoadedAdapter loaded =
            AdapterLoader.load("q", SharedFiles.folder("adapters/real/qwen-muzammel"), qwen, ops)) {
      assertThat(loaded.description()).isEqualTo("LoRA r8");
      assertThat(loaded.linear(qwen.linear("model.layers.23.self_attn.v_proj"))).isNotNull();
      assertThat(loaded.linear(qwen.linear("model.layers.23.self_attn.k_proj"))).isNull();
      assertThat(loaded.bytes()).isEqualTo(24L * 4 * 8 * (896 + 896 + 896 + 128));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "bk7195, target_modules",
    "gemma3-aowei, shape",
    "gpt2-fmi, target_modules",
    "opt125m-dpo, model.decoder.layers.0"
  })
  void refusesThoseOfOtherBases(String name, String says) {
    Path folder = SharedFiles.folder("adapters/real/" + name);
    try (TinyBase qwen = new TinyBase(TinyBase.Shape.QWEN, ops)) {
      assertThatThrownBy(() -> AdapterLoader.load("q", folder, qwen, ops))
          .isInstanceOf(AdapterException.class)
          .hasMessageContaining(says);
    }
  }
}
