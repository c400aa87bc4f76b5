package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TinyModelsTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"llama", "mistral", "qwen2", "qwen3"})
  void theSameSeedIsTheSameModelInEitherDtype(String family) throws IOException {
    TinySpec spec = TinySpec.of(family).withBiases(true).withWindow(5);
    for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
      Path once = TinyModels.write(folder.resolve("once" + dtype), spec.withDtype(dtype), 7);
      Path again = TinyModels.write(folder.resolve("again" + dtype), spec.withDtype(dtype), 7);
      try (Ops ops = new ReferenceOps();
          HuggingFaceModel one = HuggingFaceModel.open("one", once, ops, null);
          HuggingFaceModel other = HuggingFaceModel.open("other", again, ops, null)) {
        assertThat(one.dtype()).isEqualTo(dtype);
        assertThat(one.contentHash()).isEqualTo(other.contentHash());
        assertThat(one.architecture().windows()[1]).isEqualTo(family.equals("llama") ? 0 : 5);
      }
    }
  }

  @Test
  void itsTokenizerBringsAnyTextBack() throws IOException {
    TinyModels.write(folder, TinySpec.of("llama"), 7);
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(folder)) {
      String text = "the rest, 100 %: \u00e9\u4f60\ud83d\ude00\n";
      int[] ids = tokenizer.encode(text, false);
      assertThat(tokenizer.decode(ids, true)).isEqualTo(text);
      assertThat(Arrays.stream(ids).boxed())
          .anyMatch(id -> id >= TinyModels.VOCABULARY_MIN)
          .allMatch(id -> id < 300);
    }
  }
}
