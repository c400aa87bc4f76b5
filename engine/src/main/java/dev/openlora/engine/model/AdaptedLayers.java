package dev.openlora.engine.model;

import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.adapter.BaseModel.NormModule;
import dev.openlora.adapter.EmbeddingEdit;
import dev.openlora.adapter.HeadRows;
import dev.openlora.adapter.LinearEdit;
import dev.openlora.kernels.AdaptedLinear;
import dev.openlora.kernels.LoraSegment;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The modules of a base model as the rows of one batch see them: the base for all rows, then, run
 * by run, what that run's adapters change. Adapters act in the order of their request, as PEFT
 * applies active adapters. Engine thread only; lives for a step.
 */
final class AdaptedLayers {
  private final HuggingFaceModel model;
  private final Ops ops;
  private final TensorArena step;
  private final List<RowRun> runs;

  AdaptedLayers(HuggingFaceModel model, Ops ops, TensorArena step, List<RowRun> runs) {
    this.model = model;
    this.ops = ops;
    this.step = step;
    this.runs = runs;
  }

  /** The same adapters over a batch of which only these rows, ascending, remain. */
  AdaptedLayers ofRows(int[] rows) {
    List<RowRun> remaining = new ArrayList<>();
    for (RowRun run : runs) {
      int from = lowerBound(rows, run.from());
      int to = lowerBound(rows, run.to());
      if (to > from) {
        remaining.add(new RowRun(from, to, run.adapters()));
      }
    }
    return new AdaptedLayers(model, ops, step, remaining);
  }

  private static int lowerBound(int[] sorted, int key) {
    int found = Arrays.binarySearch(sorted, key);
    return found >= 0 ? found : -found - 1;
  }

  void embed(Tensor out, int[] tokenIds) {
    Tensor ids = step.copyOf(tokenIds);
    ops.embedding(out, model.embedding(), ids);
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        EmbeddingEdit edit = applied.adapter().embedding();
        if (edit != null) {
          embed(out, tokenIds, ids, run, edit, applied.scale());
        }
      }
    }
  }

  private void embed(
      Tensor out, int[] tokenIds, Tensor ids, RowRun run, EmbeddingEdit edit, float scale) {
    Tensor rows = out.rows(run.from(), run.to());
    Tensor runIds = ids.rows(run.from(), run.to());
    if (edit.table() != null) {
      ops.embedding(rows, edit.table(), runIds);
    }
    if (edit.tokenRows() != null) {
      for (int row = run.from(); row < run.to(); row++) {
        for (int i = 0; i < edit.tokenIds().length; i++) {
          if (tokenIds[row] == edit.tokenIds()[i]) {
            ops.copy(out.rows(row, row + 1), edit.tokenRows().rows(i, i + 1));
          }
        }
      }
    }
    if (edit.a() != null && edit.b() != null) {
      long rank = edit.a().size(1);
      Tensor shrunk = step.allocate(out.dtype(), run.to() - run.from(), rank);
      ops.embedding(shrunk, edit.a(), runIds);
      LoraSegment expand =
          new LoraSegment(
              0, run.to() - run.from(), identity(rank), edit.b(), edit.scale() * scale, null, null);
      ops.addLora(rows, shrunk, List.of(expand));
    }
  }

  private Tensor identity(long size) {
    int n = Math.toIntExact(size);
    float[] values = new float[n * n];
    for (int i = 0; i < n; i++) {
      values[i * n + i] = 1;
    }
    Tensor wide = step.copyOf(values, n, n);
    Tensor identity = step.allocate(model.dtype(), n, n);
    ops.copy(identity, wide);
    return identity;
  }

  void norm(Tensor out, Tensor x, int module, float epsilon) {
    NormModule norm = model.norms().get(module);
    ops.rmsNorm(out, x, norm.weight(), epsilon);
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        Tensor weight = applied.adapter().norm(module);
        if (weight != null) {
          ops.rmsNorm(
              out.rows(run.from(), run.to()), x.rows(run.from(), run.to()), weight, epsilon);
        }
      }
    }
  }

  /** Normalises each head of each row on its own. */
  void headNorm(Tensor out, Tensor x, int module, int heads, float epsilon) {
    long width = model.norms().get(module).width();
    Tensor perHead = x.reshape(x.size(0) * heads, width);
    List<RowRun> headRuns =
        runs.stream()
            .map(run -> new RowRun(run.from() * heads, run.to() * heads, run.adapters()))
            .toList();
    new AdaptedLayers(model, ops, step, headRuns)
        .norm(out.reshape(x.size(0) * heads, width), perHead, module, epsilon);
  }

  void linear(Tensor out, Tensor x, int module) {
    AdaptedLinear layer = layer(module);
    if (!isReplaced(module)) {
      ops.linear(out, x, layer);
      return;
    }
    ops.linear(out, x, layer.weight(), layer.bias());
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        LinearEdit edit = applied.adapter().linear(module);
        if (edit != null && edit.weight() != null) {
          ops.linear(
              out.rows(run.from(), run.to()),
              x.rows(run.from(), run.to()),
              edit.weight(),
              layer.bias());
        }
      }
    }
    if (!layer.segments().isEmpty()) {
      ops.addLora(out, x, layer.segments());
    }
  }

  /** Several linear layers over the same x, one out each. */
  void linear(List<Tensor> outs, Tensor x, int... modules) {
    List<AdaptedLinear> layers = new ArrayList<>(modules.length);
    boolean replaced = false;
    for (int module : modules) {
      replaced |= isReplaced(module);
      layers.add(layer(module));
    }
    if (!replaced) {
      ops.linear(outs, x, layers);
      return;
    }
    for (int i = 0; i < modules.length; i++) {
      linear(outs.get(i), x, modules[i]);
    }
  }

  /** Two linear layers into silu(gate) · up; {@code gated} and {@code raised} are scratch. */
  void gatedLinear(Tensor out, Tensor x, int gate, int up, Tensor gated, Tensor raised) {
    if (isReplaced(gate) || isReplaced(up)) {
      linear(gated, x, gate);
      linear(raised, x, up);
      ops.siluMul(out, gated, raised);
      return;
    }
    ops.gatedLinear(out, x, layer(gate), layer(up), gated, raised);
  }

  private AdaptedLinear layer(int module) {
    LinearModule base = model.linears().get(module);
    List<LoraSegment> segments = new ArrayList<>();
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        LinearEdit edit = applied.adapter().linear(module);
        if (edit != null && (edit.a() != null || edit.gain() != null || edit.shift() != null)) {
          segments.add(
              new LoraSegment(
                  run.from(),
                  run.to(),
                  edit.a(),
                  edit.b(),
                  edit.scale() * applied.scale(),
                  edit.gain(),
                  edit.shift()));
        }
      }
    }
    return new AdaptedLinear(base.weight(), base.bias(), segments);
  }

  /** Whether an adapter of any row brings a weight of its own. */
  private boolean isReplaced(int module) {
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        LinearEdit edit = applied.adapter().linear(module);
        if (edit != null && edit.weight() != null) {
          return true;
        }
      }
    }
    return false;
  }

  /** The output head, and the rows of it that a tied embedding's adapter replaces. */
  void head(Tensor logits, Tensor x) {
    linear(logits, x, model.head());
    for (RowRun run : runs) {
      for (RowRun.Applied applied : run.adapters()) {
        HeadRows edit = applied.adapter().headRows();
        if (edit != null) {
          replaceColumns(logits, x, run, edit);
        }
      }
    }
  }

  private void replaceColumns(Tensor logits, Tensor x, RowRun run, HeadRows edit) {
    int[] ids = edit.tokenIds();
    for (int i = 0; i < ids.length; i++) {
      for (int row = run.from(); row < run.to(); row++) {
        Tensor cell =
            logits.rows(row, row + 1).reshape(logits.size(1), 1).rows(ids[i], ids[i] + 1L);
        ops.linear(cell, x.rows(row, row + 1), edit.rows().rows(i, i + 1), null);
      }
    }
  }
}
