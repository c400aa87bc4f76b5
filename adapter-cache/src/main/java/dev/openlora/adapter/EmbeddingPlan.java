package dev.openlora.adapter;

import dev.openlora.adapter.DeviceSlab.Slot;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter does to the embedding and to the weight of the head, which may be one matrix.
 *
 * <p>PEFT writes the layer below an embedding or head LoRA into the file, and writes embeddings
 * that the trainer asked for without naming them in {@code modules_to_save}; both are loaded into
 * the base's own parameter, so on a tied base they reach the other use too. A module of {@code
 * modules_to_save} is a copy of its own: there only {@code ensure_weight_tying} reaches the head.
 */
final class EmbeddingPlan {
  private final AdapterConfig config;
  private final ModuleRoles.Role role;
  private final ModuleRoles.Role headRole;
  private final AdapterTensors tensors;
  private final AdapterWeights weights;
  private final BaseModel base;
  private final BaseModel.LinearModule head;

  private final int[] tokenIds;
  private final int[] headTokenIds;
  private @Nullable String table;
  private @Nullable String headWeight;
  private boolean basesReplaced;

  private @Nullable Slot tableSlot;
  private @Nullable Slot rowsSlot;
  private @Nullable Slot headRowsSlot;
  private @Nullable Slot a;
  private @Nullable Slot b;

  private EmbeddingPlan(
      AdapterConfig config,
      EmbeddingRoles roles,
      AdapterTensors tensors,
      AdapterWeights weights,
      BaseModel base) {
    this.config = config;
    this.tensors = tensors;
    this.weights = weights;
    this.base = base;
    this.head = base.linears().getLast();
    this.role = roles.embedding();
    this.headRole = roles.head();
    this.tokenIds = roles.tokenIds();
    this.headTokenIds = roles.headTokenIds();
  }

  static EmbeddingPlan of(
      AdapterConfig config,
      ModuleRoles roles,
      AdapterTensors tensors,
      AdapterWeights weights,
      BaseModel base,
      Ops ops)
      throws AdapterException {
    EmbeddingPlan plan =
        new EmbeddingPlan(config, EmbeddingRoles.of(config, roles, base), tensors, weights, base);
    plan.checkParts();
    plan.chooseWeights(ops);
    return plan;
  }

  /** The tensor that takes the place of the head's weight, or null. */
  @Nullable String headWeight() {
    return headWeight;
  }

  /** The parts that the head may have beside those of any linear layer. */
  TensorPart[] headParts() {
    if (headTokenIds.length > 0) {
      return new TensorPart[] {TensorPart.TOKEN_ROWS, TensorPart.WEIGHT, TensorPart.BASE_WEIGHT};
    }
    return new TensorPart[] {TensorPart.WEIGHT, TensorPart.BASE_WEIGHT};
  }

  int tokenRows() {
    return tokenIds.length + headTokenIds.length;
  }

  boolean basesReplaced() {
    return basesReplaced;
  }

  boolean replacesWeights() {
    return table != null || headWeight != null || tokenRows() > 0;
  }

  void reserve(AdapterPlan plan) throws AdapterException {
    tableSlot = table == null ? null : plan.whole(table);
    if (tokenIds.length > 0) {
      rowsSlot = rows(plan, ModuleRoles.EMBEDDING, tokenIds);
    }
    if (headTokenIds.length > 0) {
      headRowsSlot = rows(plan, head.name(), headTokenIds);
    }
    if (role.target()) {
      String tensorA = name(ModuleRoles.EMBEDDING, TensorPart.EMBEDDING_A);
      String tensorB = name(ModuleRoles.EMBEDDING, TensorPart.EMBEDDING_B);
      weights.checkShape(tensorA, -1, base.vocabularySize());
      weights.checkShape(tensorB, base.hiddenSize(), -1);
      plan.pairRank(tensorA, weights.shape(tensorA)[0], role.rank());
      plan.pairRank(tensorB, weights.shape(tensorB)[1], role.rank());
      a = plan.transposed(tensorA);
      b = plan.whole(tensorB);
    }
  }

  @Nullable EmbeddingEdit edit(DeviceSlab slab) {
    if (tableSlot == null && rowsSlot == null && a == null) {
      return null;
    }
    return new EmbeddingEdit(
        slab.tensor(tableSlot),
        tokenIds.clone(),
        slab.tensor(rowsSlot),
        slab.tensor(a),
        slab.tensor(b),
        role.scale());
  }

  @Nullable HeadRows headRows(DeviceSlab slab) {
    if (headRowsSlot != null) {
      return new HeadRows(headTokenIds.clone(), slab.view(headRowsSlot));
    }
    return base.tiedEmbeddings() && rowsSlot != null
        ? new HeadRows(tokenIds.clone(), slab.view(rowsSlot))
        : null;
  }

  private void checkParts() throws AdapterException {
    PartCheck check = new PartCheck(tensors, ModuleRoles.EMBEDDING);
    if (role.target()) {
      check.require(TensorPart.EMBEDDING_A, "a pair, target_modules means the module");
      check.require(TensorPart.EMBEDDING_B, "a pair, target_modules means the module");
    }
    if (role.saved()) {
      check.require(TensorPart.WEIGHT, "the weight, modules_to_save means the module");
    } else {
      check.allow(TensorPart.WEIGHT, TensorPart.BASE_WEIGHT);
    }
    if (tokenIds.length > 0) {
      check.require(TensorPart.TOKEN_ROWS, "the rows of trainable_token_indices");
    }
    check.finish(role, false);
    if (headTokenIds.length > 0) {
      new PartCheck(tensors, head.name())
          .require(TensorPart.TOKEN_ROWS, "the rows of trainable_token_indices");
    }
  }

  private void chooseWeights(Ops ops) throws AdapterException {
    String embeddingBase = matrix(ModuleRoles.EMBEDDING, role);
    String headBase = matrix(head.name(), headRole);
    boolean tied = base.tiedEmbeddings();
    if (tied && config.ensureWeightTying() && role.saved()) {
      String copy = headRole.saved() ? headMatrix() : headBase;
      if (copy != null && !same(copy, embeddingMatrix())) {
        throw Refusal.invalid(
            AdapterWeights.subject(copy),
            "other values than '" + embeddingMatrix() + "' (expected: equal, ensure_weight_tying)");
      }
      table = embeddingMatrix();
      headWeight = table;
      return;
    }
    if (tied && embeddingBase != null && headBase != null && !same(embeddingBase, headBase)) {
      throw Refusal.invalid(
          AdapterWeights.subject(headBase),
          "other values than '" + embeddingBase + "' (expected: equal, this base's are tied)");
    }
    String shared = embeddingBase == null ? headBase : embeddingBase;
    String forEmbedding = changed(tied ? shared : embeddingBase, base.embedding(), ops);
    String forHead = tied ? forEmbedding : changed(headBase, head.weight(), ops);
    table = role.saved() ? embeddingMatrix() : forEmbedding;
    headWeight = headRole.saved() ? headMatrix() : forHead;
    basesReplaced =
        (!role.saved() && forEmbedding != null) || (!headRole.saved() && forHead != null);
  }

  private String embeddingMatrix() throws AdapterException {
    return name(ModuleRoles.EMBEDDING, TensorPart.WEIGHT);
  }

  private String headMatrix() throws AdapterException {
    return name(head.name(), TensorPart.WEIGHT);
  }

  /**
   * The tensor that PEFT loads into the base's own parameter, or null; checks the shape of both.
   */
  private @Nullable String matrix(String module, ModuleRoles.Role of) throws AdapterException {
    String plain = tensors.name(module, TensorPart.WEIGHT);
    String wrapped = tensors.name(module, TensorPart.BASE_WEIGHT);
    for (String tensor : new @Nullable String[] {plain, wrapped}) {
      if (tensor != null) {
        checkVocabulary(tensor);
      }
    }
    if (plain != null && wrapped != null) {
      throw Refusal.invalid(
          AdapterWeights.subject(wrapped),
          "a second matrix beside '" + plain + "' (expected: one)");
    }
    return of.saved() ? null : plain == null ? wrapped : plain;
  }

  private void checkVocabulary(String tensor) throws AdapterException {
    long[] shape = weights.shape(tensor);
    if (shape.length == 2 && shape[0] != base.vocabularySize() && shape[1] == base.hiddenSize()) {
      throw Refusal.unsupported(
          AdapterWeights.subject(tensor),
          "a vocabulary of "
              + shape[0]
              + " (expected: "
              + base.vocabularySize()
              + ", that of this base; a resized vocabulary is not served)");
    }
    weights.checkShape(tensor, base.vocabularySize(), base.hiddenSize());
  }

  /** The tensor, or null where its values in the model's dtype are those of the base. */
  private @Nullable String changed(@Nullable String tensor, Tensor original, Ops ops)
      throws AdapterException {
    if (tensor == null) {
      return null;
    }
    float[] values = weights.floats(tensor);
    return HostValues.equal(values, original, ops) ? null : tensor;
  }

  private boolean same(String one, String other) throws AdapterException {
    return Arrays.equals(weights.floats(one), weights.floats(other));
  }

  private Slot rows(AdapterPlan plan, String module, int[] ids) throws AdapterException {
    String tensor = name(module, TensorPart.TOKEN_ROWS);
    weights.checkShape(tensor, ids.length, base.hiddenSize());
    return plan.whole(tensor);
  }

  private String name(String module, TensorPart part) throws AdapterException {
    String name = tensors.name(module, part);
    if (name == null) {
      throw Refusal.invalid(
          AdapterWeights.subject(AdapterTensors.expected(module, part)), "missing");
    }
    return name;
  }
}
