package dev.openlora.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Token ids that llama.cpp gives for its own texts, one tokenizer for each family. */
class VectorsTest {
  @ParameterizedTest
  @CsvSource({"gpt2, gpt-2", "llama3, llama-bpe", "qwen2, qwen2", "llama2, llama-spm"})
  void encodesAsLlamaCpp(String tokenizerName, String vectors) throws IOException {
    Path texts = SharedFiles.require("tokenizers/vectors/ggml-vocab-" + vectors + ".gguf.inp");
    Path answers = SharedFiles.require("tokenizers/vectors/ggml-vocab-" + vectors + ".gguf.out");
    String[] inputs = Files.readString(texts).split("\n__ggml_vocab_test__\n", -1);
    String[] outputs = Files.readString(answers).split("\n", -1);
    List<String> wrong = new ArrayList<>();
    int compared = 0;
    try (HuggingFaceTokenizer tokenizer =
        HuggingFaceTokenizerTest.shared("tokenizers/" + tokenizerName)) {
      for (int i = 0; i < inputs.length; i++) {
        int[] wanted =
            Stream.of(outputs[i].split(" ", -1))
                .filter(id -> !id.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
        int[] got = tokenizer.encode(inputs[i], false);
        compared++;
        if (!Arrays.equals(got, wanted)) {
          wrong.add(
              "'" + inputs[i] + "': " + List.of(box(got)) + ", expected " + List.of(box(wanted)));
        }
      }
    }
    assertThat(compared).isGreaterThan(40);
    assertThat(wrong).isEmpty();
  }

  private static Integer[] box(int[] ids) {
    return Arrays.stream(ids).boxed().toArray(Integer[]::new);
  }
}
