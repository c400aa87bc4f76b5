package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An adapter version in one arena, which {@link #close} frees. {@link #under} gives the same
 * version another name over the same memory.
 */
public final class LoadedAdapter implements Adapter, AutoCloseable {
  private final AdapterId id;
  private final Path source;
  private final Content content;

  /** What a version holds, whatever its name. The lists have null where nothing is changed. */
  record Content(
      TensorArena arena,
      long bytes,
      int rank,
      String description,
      List<@Nullable LinearEdit> linears,
      List<@Nullable Tensor> norms,
      @Nullable EmbeddingEdit embedding,
      @Nullable HeadRows headRows,
      int[] invocationTokens,
      boolean scalable,
      boolean replacesWeights) {}

  LoadedAdapter(AdapterId id, Path source, Content content) {
    this.id = id;
    this.source = source;
    this.content = content;
  }

  LoadedAdapter under(String name, Path folder) {
    return new LoadedAdapter(new AdapterId(name, id.sha256()), folder, content);
  }

  @Override
  public AdapterId id() {
    return id;
  }

  @Override
  public Path source() {
    return source;
  }

  @Override
  public int rank() {
    return content.rank();
  }

  @Override
  public long bytes() {
    return content.bytes();
  }

  @Override
  public String description() {
    return content.description();
  }

  @Override
  public @Nullable LinearEdit linear(int module) {
    return content.linears().get(module);
  }

  @Override
  public @Nullable Tensor norm(int module) {
    return content.norms().get(module);
  }

  @Override
  public @Nullable EmbeddingEdit embedding() {
    return content.embedding();
  }

  @Override
  public @Nullable HeadRows headRows() {
    return content.headRows();
  }

  @Override
  public int[] invocationTokens() {
    return content.invocationTokens().clone();
  }

  @Override
  public boolean scalable() {
    return content.scalable();
  }

  @Override
  public boolean replacesWeights() {
    return content.replacesWeights();
  }

  @Override
  public void close() {
    content.arena().close();
  }

  @Override
  public String toString() {
    return id + " (" + content.description() + ")";
  }
}
