package dev.openlora.engine.reference;

import ai.djl.ndarray.NDArray;
import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.BaseModel;
import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.adapter.BaseModel.NormModule;
import dev.openlora.adapter.EmbeddingEdit;
import dev.openlora.adapter.HeadRows;
import dev.openlora.adapter.LinearEdit;
import dev.openlora.kernels.Tensor;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter changes, by module name, as arrays that gradients can be taken of. The meaning of
 * the parts is that of {@link LinearEdit}, {@link EmbeddingEdit} and {@link HeadRows}. Close after
 * the last pass that uses it.
 */
public final class ReferenceAdapter implements AutoCloseable {
  /** y = gain · (W x + b + scale · B A x) + shift, with {@code weight} for W where there is one. */
  record Linear(
      @Nullable NDArray weight,
      @Nullable NDArray a,
      @Nullable NDArray b,
      float scale,
      @Nullable NDArray gain,
      @Nullable NDArray shift) {}

  /** Rows of a table that stand in for those of its ids. */
  record Rows(int[] tokenIds, NDArray values) {}

  /** e(t) = row(t) + scale · B a[t]; a: [vocabulary, rank] */
  record Embedding(
      @Nullable NDArray table,
      @Nullable Rows rows,
      @Nullable NDArray a,
      @Nullable NDArray b,
      float scale) {}

  private final NamedArrays arrays = new NamedArrays();
  private final Map<String, Linear> linears = new HashMap<>();
  private @Nullable Embedding embedding;
  private @Nullable Rows headRows;

  private ReferenceAdapter() {}

  /** Copies a loaded adapter whose tensors lie on the host. */
  public static ReferenceAdapter of(Adapter adapter, BaseModel base) {
    ReferenceAdapter copy = new ReferenceAdapter();
    try {
      copy.copyLinears(adapter, base);
      copy.copyNorms(adapter, base);
      copy.copyEmbedding(adapter);
      return copy;
    } catch (RuntimeException e) {
      copy.close();
      throw e;
    }
  }

  private void copyLinears(Adapter adapter, BaseModel base) {
    for (int i = 0; i < base.linears().size(); i++) {
      LinearModule module = base.linears().get(i);
      LinearEdit edit = adapter.linear(i);
      if (edit != null) {
        linears.put(
            module.name(),
            new Linear(
                copy(module.name() + ".weight", edit.weight()),
                copy(module.name() + ".lora_A.weight", edit.a()),
                copy(module.name() + ".lora_B.weight", edit.b()),
                edit.scale(),
                copy(module.name() + ".gain", edit.gain()),
                copy(module.name() + ".shift", edit.shift())));
      }
    }
  }

  private void copyNorms(Adapter adapter, BaseModel base) {
    for (int i = 0; i < base.norms().size(); i++) {
      NormModule module = base.norms().get(i);
      copy(module.name() + ".weight", adapter.norm(i));
    }
  }

  private void copyEmbedding(Adapter adapter) {
    EmbeddingEdit edit = adapter.embedding();
    if (edit != null) {
      NDArray rows = copy("model.embed_tokens.rows", edit.tokenRows());
      embedding =
          new Embedding(
              copy("model.embed_tokens.weight", edit.table()),
              rows == null ? null : new Rows(edit.tokenIds(), rows),
              copy("model.embed_tokens.lora_embedding_A", edit.a()),
              copy("model.embed_tokens.lora_embedding_B", edit.b()),
              edit.scale());
    }
    HeadRows head = adapter.headRows();
    if (head != null) {
      headRows = new Rows(head.tokenIds(), arrays.put("lm_head.rows", head.rows()));
    }
  }

  private @Nullable NDArray copy(String name, @Nullable Tensor tensor) {
    return tensor == null ? null : arrays.put(name, tensor);
  }

  /** Its arrays: what a trainer would move. */
  public NamedArrays arrays() {
    return arrays;
  }

  @Nullable Linear linear(String module) {
    return linears.get(module);
  }

  @Nullable NDArray norm(String module) {
    return arrays.find(module + ".weight");
  }

  @Nullable Embedding embedding() {
    return embedding;
  }

  @Nullable Rows headRows() {
    return headRows;
  }

  @Override
  public void close() {
    arrays.close();
  }
}
