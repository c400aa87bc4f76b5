package dev.openlora.adapter;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A base of Llama's modules with random values, or, when hollow, with shapes only. */
public final class TinyBase implements BaseModel, AutoCloseable {
  private final Shape shape;
  private final TensorArena arena;
  private final Random random = new Random(1);
  private final List<LinearModule> linears = new ArrayList<>();
  private final List<NormModule> norms = new ArrayList<>();
  private final Tensor embedding;

  /** biases: "" for none, "qkv" as Qwen2, "all" as Llama with attention_bias and mlp_bias. */
  public record Shape(
      String family,
      int layers,
      int hidden,
      int queries,
      int keys,
      int ffn,
      int vocabulary,
      boolean tied,
      String biases,
      DType dtype,
      boolean hollow) {
    public static final Shape SMALL =
        new Shape("llama", 2, 8, 16, 8, 12, 10, false, "", DType.F32, false);
    public static final Shape STORIES =
        new Shape("llama", 5, 64, 64, 32, 172, 512, true, "", DType.F32, false);
    public static final Shape QWEN =
        new Shape("qwen2", 24, 896, 896, 128, 4864, 151_936, true, "qkv", DType.F32, true);

    public Shape withTied(boolean value) {
      return new Shape(
          family, layers, hidden, queries, keys, ffn, vocabulary, value, biases, dtype, hollow);
    }

    public Shape withBiases(String value) {
      return new Shape(
          family, layers, hidden, queries, keys, ffn, vocabulary, tied, value, dtype, hollow);
    }

    public Shape withDtype(DType value) {
      return new Shape(
          family, layers, hidden, queries, keys, ffn, vocabulary, tied, biases, value, hollow);
    }
  }

  public TinyBase(Shape shape, Ops ops) {
    this.shape = shape;
    arena = ops.newArena("tiny base");
    embedding = tensor(shape.vocabulary(), shape.hidden());
    for (int i = 0; i < shape.layers(); i++) {
      String layer = "model.layers." + i + ".";
      boolean qkv = !shape.biases().isEmpty();
      boolean all = shape.biases().equals("all");
      linear(layer + "self_attn.q_proj", shape.hidden(), shape.queries(), qkv);
      linear(layer + "self_attn.k_proj", shape.hidden(), shape.keys(), qkv);
      linear(layer + "self_attn.v_proj", shape.hidden(), shape.keys(), qkv);
      linear(layer + "self_attn.o_proj", shape.queries(), shape.hidden(), all);
      linear(layer + "mlp.gate_proj", shape.hidden(), shape.ffn(), all);
      linear(layer + "mlp.up_proj", shape.hidden(), shape.ffn(), all);
      linear(layer + "mlp.down_proj", shape.ffn(), shape.hidden(), all);
      norm(layer + "input_layernorm");
      norm(layer + "post_attention_layernorm");
    }
    norm("model.norm");
    linears.add(
        new LinearModule(
            "lm_head",
            shape.hidden(),
            shape.vocabulary(),
            shape.tied() ? embedding : tensor(shape.vocabulary(), shape.hidden()),
            null));
  }

  private void linear(String name, int in, int out, boolean biased) {
    @Nullable Tensor bias = biased ? tensor(out) : null;
    linears.add(new LinearModule(name, in, out, tensor(out, in), bias));
  }

  private void norm(String name) {
    norms.add(new NormModule(name, shape.hidden(), tensor(shape.hidden())));
  }

  private Tensor tensor(long... sizes) {
    Tensor tensor = arena.allocate(shape.dtype(), shape.hollow() ? new long[] {1, 1} : sizes);
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    tensor.write(values);
    return tensor;
  }

  @Override
  public String id() {
    return "tiny";
  }

  @Override
  public String family() {
    return shape.family();
  }

  @Override
  public String contentHash() {
    return "0".repeat(64);
  }

  @Override
  public int hiddenSize() {
    return shape.hidden();
  }

  @Override
  public int vocabularySize() {
    return shape.vocabulary();
  }

  @Override
  public int layers() {
    return shape.layers();
  }

  @Override
  public boolean tiedEmbeddings() {
    return shape.tied();
  }

  @Override
  public List<LinearModule> linears() {
    return List.copyOf(linears);
  }

  @Override
  public List<NormModule> norms() {
    return List.copyOf(norms);
  }

  @Override
  public Tensor embedding() {
    return embedding;
  }

  /** The position of a linear module. */
  public int linear(String name) {
    for (int i = 0; i < linears.size(); i++) {
      if (linears.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalArgumentException(name);
  }

  @Override
  public void close() {
    arena.close();
  }
}
