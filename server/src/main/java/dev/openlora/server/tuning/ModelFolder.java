package dev.openlora.server.tuning;

import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.model.ModelConfig;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** A Hugging Face folder as far as it is needed before its weights are read. */
record ModelFolder(Path folder, Architecture architecture) {

  static ModelFolder open(Path folder) throws IOException {
    Path config = folder.resolve("config.json");
    if (!Files.isRegularFile(config)) {
      throw TuningException.wrong(
          "--model: '" + folder + "' (expected: a folder with a config.json)");
    }
    try {
      return new ModelFolder(
          folder.toAbsolutePath().normalize(),
          ModelConfig.parse(
              config.toString(), JsonMapper.shared().readTree(Files.readAllBytes(config))));
    } catch (JacksonException e) {
      throw TuningException.wrong(config + ": no valid JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, String.valueOf(e.getMessage()), e);
    }
  }

  String name() {
    return String.valueOf(folder.getFileName());
  }

  int positionsMax() {
    return architecture.maxPositions();
  }

  HuggingFaceTokenizer tokenizer() {
    try {
      return HuggingFaceTokenizer.load(folder);
    } catch (IOException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, String.valueOf(e.getMessage()), e);
    }
  }

  /** A tokenizer of another model may know ids that this one lacks. */
  void checkVocabulary(int wanted) {
    if (wanted > architecture.vocabularySize()) {
      throw TuningException.wrong(
          "--model: its tokenizer makes token "
              + (wanted - 1)
              + " (expected: below "
              + architecture.vocabularySize()
              + ", its vocab_size)");
    }
  }
}
