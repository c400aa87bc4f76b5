package dev.openlora.adapter;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.adapter.AdapterPlan.Linear;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings an adapter folder onto the device, or refuses it with the file, key or tensor that is at
 * fault. The order is: digest, config, names, shapes, memory, values; nothing is allocated before
 * everything about the shapes is known to be right. One load at a time, on operations that a loader
 * thread may use.
 */
public final class AdapterLoader {
  private AdapterLoader() {}

  /** Loads one adapter that the caller frees by closing it. */
  public static LoadedAdapter load(String name, Path folder, BaseModel base, Ops ops)
      throws AdapterException {
    try {
      AdapterRoots roots = AdapterRoots.of(List.of(folder));
      AdapterFolder files = AdapterFolder.open(roots.folder(folder.toAbsolutePath()), roots);
      return load(new AdapterId(name, files.sha256()), folder, files, base, ops, Long.MAX_VALUE);
    } catch (IOException e) {
      throw AdapterRoots.notFound(folder);
    }
  }

  /**
   * Loads from files that have been digested.
   *
   * @param freeBytes what it may take of the device
   */
  static LoadedAdapter load(
      AdapterId id, Path source, AdapterFolder files, BaseModel base, Ops ops, long freeBytes)
      throws AdapterException {
    AdapterConfig config = AdapterConfig.parse(files.config());
    try (AdapterWeights weights = AdapterWeights.open(files.weights(), base.embedding().dtype())) {
      AdapterPlan plan = new AdapterPlan(config, weights, base, ops);
      checkRoom(id, plan.slab.bytes(), freeBytes);
      TensorArena arena = ops.newArena("adapter " + id);
      try {
        LoadedAdapter.Content content = fill(config, plan, weights, base, ops, arena);
        files.checkUnchanged();
        checkRoom(id, arena.reservedBytes(), freeBytes);
        return new LoadedAdapter(id, source, content);
      } catch (AdapterException | RuntimeException | Error e) {
        arena.close();
        throw e;
      }
    } catch (InternalError e) {
      throw Refusal.invalid(AdapterFolder.WEIGHTS, "was shortened while it was loaded");
    }
  }

  private static void checkRoom(AdapterId id, long bytes, long freeBytes) throws AdapterException {
    if (bytes > freeBytes) {
      throw new AdapterException(
          Reason.FULL,
          "adapter '"
              + id.name()
              + "': "
              + bytes
              + " bytes (expected: at most "
              + Math.max(0, freeBytes)
              + ", what is free of the limit for adapters)");
    }
  }

  private static LoadedAdapter.Content fill(
      AdapterConfig config,
      AdapterPlan plan,
      AdapterWeights weights,
      BaseModel base,
      Ops ops,
      TensorArena arena)
      throws AdapterException {
    plan.slab.allocate(arena);
    for (AdapterPlan.Write write : plan.writes) {
      float[] values = weights.floats(write.tensor());
      plan.slab.write(
          ops, write.slot(), write.transposed() ? transpose(values, write.slot().shape()) : values);
    }
    List<@Nullable LinearEdit> linears = new ArrayList<>();
    for (int i = 0; i < plan.linears.size(); i++) {
      linears.add(edit(plan.linears.get(i), base.linears().get(i), plan.slab, weights, ops));
    }
    List<@Nullable Tensor> norms = new ArrayList<>();
    plan.norms.forEach(slot -> norms.add(plan.slab.tensor(slot)));
    return new LoadedAdapter.Content(
        arena,
        arena.reservedBytes(),
        plan.rank(),
        plan.description(),
        linears,
        norms,
        plan.embedding.edit(plan.slab),
        plan.embedding.headRows(plan.slab),
        config.invocationTokens().clone(),
        plan.scalable(),
        plan.replacesWeights());
  }

  private static @Nullable LinearEdit edit(
      Linear linear,
      BaseModel.LinearModule module,
      DeviceSlab slab,
      AdapterWeights weights,
      Ops ops)
      throws AdapterException {
    if (linear.isEmpty()) {
      return null;
    }
    Tensor weight = slab.tensor(linear.weight());
    Tensor a = slab.tensor(linear.a());
    Tensor b = slab.tensor(linear.b());
    float[] gain = null;
    if (linear.gain() != null && linear.magnitude() != null && a != null && b != null) {
      Tensor normed = weight == null ? module.weight() : weight;
      gain = gains(linear.magnitude(), normed, a, b, linear.scale(), weights, ops);
      slab.write(ops, linear.gain(), gain);
    }
    if (linear.shift() != null) {
      slab.write(ops, linear.shift(), shifts(linear, module, gain, weights, ops));
    }
    return new LinearEdit(
        weight, a, b, linear.scale(), slab.tensor(linear.gain()), slab.tensor(linear.shift()));
  }

  /** DoRA: magnitude over the norm of each row of W + s B A. */
  private static float[] gains(
      String magnitude,
      Tensor weight,
      Tensor a,
      Tensor b,
      float scale,
      AdapterWeights weights,
      Ops ops)
      throws AdapterException {
    float[] gain = weights.floats(magnitude);
    try (TensorArena scratch = ops.newArena("row norms")) {
      Tensor norms = scratch.allocate(DType.F32, gain.length);
      ops.loraRowNorms(norms, weight, a, b, scale);
      float[] norm = HostValues.of(norms, ops);
      for (int i = 0; i < gain.length; i++) {
        gain[i] /= norm[i];
      }
    }
    weights.checkFinite(magnitude, gain);
    return gain;
  }

  /**
   * What is left to add once the base's own bias went through the gain: new bias − gain · base bias
   * (+ s · bias of B).
   */
  private static float[] shifts(
      Linear linear,
      BaseModel.LinearModule module,
      float @Nullable [] gain,
      AdapterWeights weights,
      Ops ops)
      throws AdapterException {
    float[] old =
        module.bias() == null ? new float[module.out()] : HostValues.of(module.bias(), ops);
    float[] shift = linear.newBias() == null ? old.clone() : weights.floats(linear.newBias());
    float[] product =
        linear.productBias() == null
            ? new float[module.out()]
            : weights.floats(linear.productBias());
    for (int i = 0; i < shift.length; i++) {
      shift[i] += linear.scale() * product[i] - (gain == null ? 1 : gain[i]) * old[i];
    }
    weights.checkFinite("shift of " + module.name(), shift);
    return shift;
  }

  private static float[] transpose(float[] values, long[] shape) {
    int rows = Math.toIntExact(shape[0]);
    int columns = Math.toIntExact(shape[1]);
    float[] transposed = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        transposed[r * columns + c] = values[c * rows + r];
      }
    }
    return transposed;
  }
}
