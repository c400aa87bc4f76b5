package dev.openlora.engine.model;

import dev.openlora.adapter.BaseModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A base model opened from a Hugging Face folder: architecture and weights, by module name and by
 * position. Immutable once open; any thread. Close after the last use of its tensors.
 */
public final class HuggingFaceModel implements BaseModel, AutoCloseable {
  private final String id;
  private final Path folder;
  private final Architecture architecture;
  private final DType dtype;
  private final TensorArena arena;
  private final Weights weights;
  private final Tensor embedding;
  private final List<LinearModule> linears = new ArrayList<>();
  private final List<NormModule> norms = new ArrayList<>();
  private final List<Layer> layers = new ArrayList<>();
  private final int finalNorm;
  private final int head;
  private volatile @Nullable String contentHash;

  /**
   * Where a layer's modules stand in {@link #linears} and {@link #norms}; queryNorm and keyNorm are
   * -1 without.
   */
  public record Layer(
      int query,
      int key,
      int value,
      int output,
      int gate,
      int up,
      int down,
      int inputNorm,
      int postAttentionNorm,
      int queryNorm,
      int keyNorm) {}

  private HuggingFaceModel(
      String id,
      Path folder,
      Architecture architecture,
      DType dtype,
      Ops ops,
      TensorArena arena,
      Weights weights)
      throws IOException {
    this.id = id;
    this.folder = folder;
    this.architecture = architecture;
    this.dtype = dtype;
    this.arena = arena;
    this.weights = weights;
    Architecture a = architecture;
    embedding = weights.load("model.embed_tokens.weight", a.vocabularySize(), a.hiddenSize());
    for (int i = 0; i < a.layers(); i++) {
      layers.add(layer("model.layers." + i + "."));
    }
    finalNorm = norm("model.norm", a.hiddenSize());
    if (a.tiedEmbeddings()) {
      linears.add(new LinearModule("lm_head", a.hiddenSize(), a.vocabularySize(), embedding, null));
      head = linears.size() - 1;
    } else {
      head = linear("lm_head", a.hiddenSize(), a.vocabularySize(), false);
    }
    weights.refuseUnused(a.tiedEmbeddings() ? Set.of("lm_head.weight") : Set.of());
    for (LinearModule module : linears) {
      ops.prepare(module.weight(), arena);
    }
    weights.unload();
  }

  /**
   * Opens a folder.
   *
   * @param id the name under which it is served
   * @param dtype F32 or BF16; null takes the one that config.json names (float16 becomes BF16)
   */
  public static HuggingFaceModel open(String id, Path folder, Ops ops, @Nullable DType dtype)
      throws IOException {
    Path configFile = folder.resolve("config.json");
    JsonNode json = JsonFiles.read(configFile);
    Architecture architecture = ModelConfig.parse(configFile.toString(), json);
    DType chosen =
        dtype != null ? dtype : "float32".equals(ModelConfig.dtype(json)) ? DType.F32 : DType.BF16;
    TensorArena arena = ops.newArena("weights");
    Weights weights = null;
    try {
      weights = Weights.open(folder, ops, arena, chosen);
      return new HuggingFaceModel(id, folder, architecture, chosen, ops, arena, weights);
    } catch (IOException | RuntimeException e) {
      if (weights != null) {
        weights.close();
      }
      arena.close();
      throw e;
    }
  }

  private Layer layer(String prefix) throws IOException {
    Architecture a = architecture;
    int hidden = a.hiddenSize();
    return new Layer(
        linear(prefix + "self_attn.q_proj", hidden, a.queryWidth(), a.qkvBias()),
        linear(prefix + "self_attn.k_proj", hidden, a.kvWidth(), a.qkvBias()),
        linear(prefix + "self_attn.v_proj", hidden, a.kvWidth(), a.qkvBias()),
        linear(prefix + "self_attn.o_proj", a.queryWidth(), hidden, a.outputBias()),
        linear(prefix + "mlp.gate_proj", hidden, a.intermediateSize(), a.mlpBias()),
        linear(prefix + "mlp.up_proj", hidden, a.intermediateSize(), a.mlpBias()),
        linear(prefix + "mlp.down_proj", a.intermediateSize(), hidden, a.mlpBias()),
        norm(prefix + "input_layernorm", hidden),
        norm(prefix + "post_attention_layernorm", hidden),
        a.qkNorm() ? norm(prefix + "self_attn.q_norm", a.headSize()) : -1,
        a.qkNorm() ? norm(prefix + "self_attn.k_norm", a.headSize()) : -1);
  }

  private int linear(String name, int in, int out, boolean bias) throws IOException {
    Tensor weight = weights.load(name + ".weight", out, in);
    linears.add(
        new LinearModule(name, in, out, weight, bias ? weights.load(name + ".bias", out) : null));
    return linears.size() - 1;
  }

  private int norm(String name, int width) throws IOException {
    norms.add(new NormModule(name, width, weights.load(name + ".weight", width)));
    return norms.size() - 1;
  }

  public Architecture architecture() {
    return architecture;
  }

  public DType dtype() {
    return dtype;
  }

  public Path folder() {
    return folder;
  }

  public List<Layer> layerModules() {
    return layers;
  }

  public int finalNorm() {
    return finalNorm;
  }

  public int head() {
    return head;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public String family() {
    return architecture.family();
  }

  /** Reads all weights once, at the first call. */
  @Override
  public String contentHash() {
    String hash = contentHash;
    if (hash == null) {
      hash = hash();
      contentHash = hash;
    }
    return hash;
  }

  private String hash() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      List<Path> files = new ArrayList<>();
      files.add(folder.resolve("config.json"));
      files.addAll(weights.paths());
      byte[] buffer = new byte[1 << 20];
      for (Path file : files) {
        try (InputStream in = Files.newInputStream(file)) {
          for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            digest.update(buffer, 0, n);
          }
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public int hiddenSize() {
    return architecture.hiddenSize();
  }

  @Override
  public int vocabularySize() {
    return architecture.vocabularySize();
  }

  @Override
  public int layers() {
    return architecture.layers();
  }

  @Override
  public boolean tiedEmbeddings() {
    return architecture.tiedEmbeddings();
  }

  @Override
  public List<LinearModule> linears() {
    return linears;
  }

  @Override
  public List<NormModule> norms() {
    return norms;
  }

  @Override
  public Tensor embedding() {
    return embedding;
  }

  @Override
  public void close() {
    weights.close();
    arena.close();
  }
}
