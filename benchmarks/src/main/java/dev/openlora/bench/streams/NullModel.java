package dev.openlora.bench.streams;

import dev.openlora.adapter.BaseModel;
import dev.openlora.kernels.Tensor;
import java.util.List;

/** A base model without weights. Immutable. */
record NullModel(String id) implements BaseModel {
  @Override
  public String family() {
    return "null";
  }

  @Override
  public String contentHash() {
    return "0".repeat(64);
  }

  @Override
  public int hiddenSize() {
    return 1;
  }

  @Override
  public int vocabularySize() {
    return NullTokenizer.VOCABULARY;
  }

  @Override
  public int layers() {
    return 0;
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
    throw new UnsupportedOperationException("the null model has no weights");
  }
}
