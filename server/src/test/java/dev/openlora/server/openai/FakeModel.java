package dev.openlora.server.openai;

import dev.openlora.adapter.BaseModel;
import dev.openlora.kernels.Tensor;
import java.util.List;

/** A base model of which only the names matter here. */
record FakeModel(String id) implements BaseModel {
  @Override
  public String family() {
    return "llama";
  }

  @Override
  public String contentHash() {
    return "0123456789abcdef";
  }

  @Override
  public int hiddenSize() {
    return 8;
  }

  @Override
  public int vocabularySize() {
    return FakeTokenizer.SIZE;
  }

  @Override
  public int layers() {
    return 1;
  }

  @Override
  public boolean tiedEmbeddings() {
    return true;
  }

  @Override
  public List<LinearModule> linears() {
    return List.of();
  }

  @Override
  public List<NormModule> norms() {
    return List.of();
  }

  @Override
  public Tensor embedding() {
    throw new UnsupportedOperationException("no numbers here");
  }
}
