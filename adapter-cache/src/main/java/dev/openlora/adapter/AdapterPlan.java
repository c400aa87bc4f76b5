package dev.openlora.adapter;

import dev.openlora.adapter.DeviceSlab.Slot;
import dev.openlora.kernels.Ops;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What has to be put on the device for an adapter: every tensor of the file has been given its
 * meaning and its place, and every shape has been checked. Loader thread only.
 */
final class AdapterPlan {
  final List<Linear> linears = new ArrayList<>();
  final List<@Nullable Slot> norms = new ArrayList<>();
  final List<Write> writes = new ArrayList<>();
  final EmbeddingPlan embedding;
  final DeviceSlab slab;

  private final AdapterConfig config;
  private final ModuleRoles roles;
  private final AdapterTensors tensors;
  private final AdapterWeights weights;
  private final BaseModel base;
  private final Map<String, Slot> whole = new HashMap<>();
  private int rank;
  private boolean biasReplaced;

  /** One linear layer; all null and scale 0 where the adapter leaves it alone. */
  record Linear(
      @Nullable Slot weight,
      @Nullable Slot a,
      @Nullable Slot b,
      float scale,
      @Nullable Slot gain,
      @Nullable Slot shift,
      @Nullable String magnitude,
      @Nullable String productBias,
      @Nullable String newBias) {
    boolean isEmpty() {
      return weight == null && a == null && shift == null;
    }
  }

  /** A tensor of the file that goes to its place as it is, or transposed. */
  record Write(String tensor, Slot slot, boolean transposed) {}

  AdapterPlan(AdapterConfig config, AdapterWeights weights, BaseModel base, Ops ops)
      throws AdapterException {
    this.config = config;
    this.weights = weights;
    this.base = base;
    this.slab = new DeviceSlab(base.embedding().dtype());
    this.roles = ModuleRoles.of(config, base);
    this.tensors = AdapterTensors.of(weights.names(), base, config);
    this.embedding = EmbeddingPlan.of(config, roles, tensors, weights, base, ops);
    int head = base.linears().size() - 1;
    for (int i = 0; i < head; i++) {
      linears.add(linear(i, null));
    }
    linears.add(linear(head, embedding.headWeight()));
    for (int i = 0; i < base.norms().size(); i++) {
      norms.add(norm(i));
    }
    embedding.reserve(this);
    checkInvocation();
  }

  int rank() {
    return rank;
  }

  boolean replacesWeights() {
    return biasReplaced
        || embedding.replacesWeights()
        || norms.stream().anyMatch(slot -> slot != null)
        || linears.stream().anyMatch(linear -> linear.weight() != null);
  }

  /**
   * Whether it is nothing but pairs of matrices, so that a factor on their product is meaningful.
   */
  boolean scalable() {
    return !replacesWeights()
        && linears.stream().allMatch(linear -> linear.gain() == null && linear.shift() == null);
  }

  String description() {
    StringJoiner kinds = new StringJoiner(", ");
    if (rank > 0) {
      kinds.add((config.invocationTokens().length > 0 ? "aLoRA r" : "LoRA r") + rank);
      if (config.rsLora()) {
        kinds.add("rsLoRA");
      }
    }
    if (config.dora()) {
      kinds.add("DoRA");
    }
    if (roles.embedding().target()) {
      kinds.add("embedding");
    }
    if (config.loraBias()) {
      kinds.add("lora_bias");
    }
    if (biasReplaced) {
      kinds.add("bias");
    }
    if (embedding.tokenRows() > 0) {
      kinds.add("token rows: " + embedding.tokenRows());
    }
    if (!config.modulesToSave().isEmpty()) {
      kinds.add("saved: " + String.join(" ", new TreeSet<>(config.modulesToSave())));
    }
    if (embedding.basesReplaced()) {
      kinds.add("base rows");
    }
    return kinds.length() == 0 ? "no change" : kinds.toString();
  }

  /** The place of a tensor that is taken whole; two uses of one tensor share it. */
  Slot whole(String tensor) throws AdapterException {
    Slot known = whole.get(tensor);
    if (known != null) {
      return known;
    }
    Slot slot = slab.reserve(weights.shape(tensor));
    whole.put(tensor, slot);
    writes.add(new Write(tensor, slot, false));
    return slot;
  }

  Slot transposed(String tensor) throws AdapterException {
    long[] shape = weights.shape(tensor);
    Slot slot = slab.reserve(shape[1], shape[0]);
    writes.add(new Write(tensor, slot, true));
    return slot;
  }

  /** Checks the rank of a pair against the configured one. */
  void pairRank(String tensor, long came, int expected) throws AdapterException {
    if (came != expected) {
      throw Refusal.invalid(
          AdapterWeights.subject(tensor),
          "rank " + came + " (expected: " + expected + ", from r and rank_pattern)");
    }
    rank = Math.max(rank, expected);
  }

  private Linear linear(int index, @Nullable String headWeight) throws AdapterException {
    BaseModel.LinearModule module = base.linears().get(index);
    ModuleRoles.Role role = roles.linear(index);
    String name = module.name();
    boolean head = index == base.linears().size() - 1;
    String newBias = checkParts(module, role, head);
    Slot weight = null;
    if (head) {
      weight = headWeight == null ? null : whole(headWeight);
    } else if (role.saved()) {
      String tensor = present(name, TensorPart.WEIGHT);
      weights.checkShape(tensor, module.out(), module.in());
      weight = whole(tensor);
    }
    Slot a = null;
    Slot b = null;
    String magnitude = null;
    String productBias = null;
    if (role.target()) {
      String tensorA = present(name, TensorPart.A);
      String tensorB = present(name, TensorPart.B);
      weights.checkShape(tensorA, -1, module.in());
      weights.checkShape(tensorB, module.out(), -1);
      pairRank(tensorA, weights.shape(tensorA)[0], role.rank());
      pairRank(tensorB, weights.shape(tensorB)[1], role.rank());
      a = whole(tensorA);
      b = whole(tensorB);
      magnitude = config.dora() ? present(name, TensorPart.MAGNITUDE) : null;
      productBias = config.loraBias() ? present(name, TensorPart.B_BIAS) : null;
    }
    for (String vector : new @Nullable String[] {magnitude, productBias, newBias}) {
      if (vector != null) {
        weights.checkShape(vector, module.out());
      }
    }
    biasReplaced |= newBias != null;
    boolean shifted =
        productBias != null || newBias != null || (magnitude != null && module.bias() != null);
    return new Linear(
        weight,
        a,
        b,
        role.scale(),
        magnitude == null ? null : slab.reserve(module.out()),
        shifted ? slab.reserve(module.out()) : null,
        magnitude,
        productBias,
        newBias);
  }

  /** Checks which parts a linear layer has; returns the tensor of its new bias, or null. */
  private @Nullable String checkParts(
      BaseModel.LinearModule module, ModuleRoles.Role role, boolean head) throws AdapterException {
    String name = module.name();
    boolean biased = module.bias() != null;
    PartCheck check = new PartCheck(tensors, name);
    if (role.target()) {
      check.require(TensorPart.A, "a pair, target_modules means the module");
      check.require(TensorPart.B, "a pair, target_modules means the module");
      if (config.dora()) {
        check.require(TensorPart.MAGNITUDE, "magnitudes, use_dora is true");
      }
      if (config.loraBias()) {
        check.require(TensorPart.B_BIAS, "a bias of B, lora_bias is true");
      }
    }
    if (role.saved()) {
      check.require(TensorPart.WEIGHT, "the weight, modules_to_save means the module");
    }
    boolean replaced =
        role.saved()
            || config.bias() == AdapterConfig.Bias.ALL
            || (config.bias() == AdapterConfig.Bias.LORA_ONLY && role.target());
    if (head) {
      check.allow(embedding.headParts());
    }
    if (biased && (replaced || head)) {
      check.allow(TensorPart.BIAS, TensorPart.BASE_BIAS);
    }
    check.finish(role, biased);
    if (!biased) {
      return null;
    }
    String plain = tensors.name(name, TensorPart.BIAS);
    String wrapped = tensors.name(name, TensorPart.BASE_BIAS);
    if (plain != null && wrapped != null) {
      throw Refusal.invalid(
          AdapterWeights.subject(wrapped), "a second bias beside '" + plain + "' (expected: one)");
    }
    if (replaced && plain == null && wrapped == null) {
      TensorPart part = role.target() ? TensorPart.BASE_BIAS : TensorPart.BIAS;
      check.require(
          part, role.saved() ? "the bias of a saved module" : "a new bias, see the config's bias");
    }
    return plain == null ? wrapped : plain;
  }

  private @Nullable Slot norm(int index) throws AdapterException {
    BaseModel.NormModule module = base.norms().get(index);
    ModuleRoles.Role role = roles.norm(index);
    PartCheck check = new PartCheck(tensors, module.name());
    if (role.saved()) {
      check.require(TensorPart.WEIGHT, "the weight, modules_to_save means the module");
    }
    check.finish(role, false);
    if (!role.saved()) {
      return null;
    }
    String tensor = present(module.name(), TensorPart.WEIGHT);
    weights.checkShape(tensor, module.width());
    return whole(tensor);
  }

  private String present(String module, TensorPart part) throws AdapterException {
    String name = tensors.name(module, part);
    if (name == null) {
      throw Refusal.invalid(
          AdapterWeights.subject(AdapterTensors.expected(module, part)), "missing");
    }
    return name;
  }

  private void checkInvocation() throws AdapterException {
    if (config.invocationTokens().length == 0) {
      return;
    }
    for (int id : config.invocationTokens()) {
      if (id >= base.vocabularySize()) {
        throw Refusal.invalid(
            "alora_invocation_tokens",
            id + " (expected: an id below the vocabulary's " + base.vocabularySize() + ")");
      }
    }
    if (roles.embedding().target() || replacesWeights()) {
      throw Refusal.unsupported(
          "alora_invocation_tokens", "together with changes to the embedding or to base weights");
    }
  }
}
