package dev.openlora.engine.reference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Embedding;
import ai.djl.nn.core.Linear;
import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.reference.ReferenceModel.Applied;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One pass over one sequence, formula by formula; activations are [ids, width]. DJL puts a result
 * into the scope of its first operand, so weights stand on the right everywhere: the step's scope
 * then holds all that a pass makes.
 */
final class ReferencePass {
  private final Architecture architecture;
  private final NamedArrays weights;
  private final NDManager step;
  private final int[] ids;
  private final List<Applied> adapters;
  private final NDArray cosines;
  private final NDArray sines;

  ReferencePass(
      Architecture architecture,
      NamedArrays weights,
      NDManager step,
      int[] ids,
      List<Applied> adapters) {
    this.architecture = architecture;
    this.weights = weights;
    this.step = step;
    this.ids = ids;
    this.adapters = adapters;
    RotaryAngles angles = RotaryAngles.of(architecture.rope(), architecture.headSize());
    Shape perHead = new Shape(ids.length, 1, architecture.headSize() / 2);
    cosines = step.create(angles.cosines(ids.length), perHead);
    sines = step.create(angles.sines(ids.length), perHead);
  }

  NDArray logits() {
    NDArray hidden = embed();
    for (int i = 0; i < architecture.layers(); i++) {
      String layer = "model.layers." + i;
      hidden =
          hidden.add(attention(layer + ".self_attn", norm(layer + ".input_layernorm", hidden), i));
      hidden = hidden.add(mlp(layer + ".mlp", norm(layer + ".post_attention_layernorm", hidden)));
    }
    return head(norm("model.norm", hidden));
  }

  private NDArray embed() {
    NDArray tokens = step.create(ids);
    NDArray embedded = lookup(tokens, weights.get("model.embed_tokens.weight"));
    for (Applied applied : adapters) {
      ReferenceAdapter.Embedding edit = applied.adapter().embedding();
      if (edit != null) {
        embedded = sinceActive(applied, embedded, embed(tokens, embedded, edit, applied.scale()));
      }
    }
    return embedded;
  }

  private NDArray embed(
      NDArray tokens, NDArray embedded, ReferenceAdapter.Embedding edit, float scale) {
    NDArray edited = edit.table() == null ? embedded : lookup(tokens, edit.table());
    if (edit.rows() != null) {
      NDArray chosen = choice(ids, edit.rows().tokenIds());
      edited = edited.mul(notChosen(chosen, 1)).add(chosen.matMul(edit.rows().values()));
    }
    if (edit.a() != null && edit.b() != null) {
      NDArray shrunk = lookup(tokens, edit.a());
      edited = edited.add(scaled(linear(shrunk, edit.b(), null), edit.scale() * scale));
    }
    return edited;
  }

  /** x / √(mean(x²) + ε) · weight, over the last dimension. */
  private NDArray norm(String module, NDArray x) {
    NDArray meanSquare = x.mul(x).mean(new int[] {-1}, true);
    NDArray normed = x.div(meanSquare.add(architecture.rmsNormEpsilon()).sqrt());
    NDArray out = normed.mul(weights.get(module + ".weight"));
    for (Applied applied : adapters) {
      NDArray weight = applied.adapter().norm(module);
      if (weight != null) {
        out = sinceActive(applied, out, normed.mul(weight));
      }
    }
    return out;
  }

  private NDArray attention(String module, NDArray x, int layer) {
    NDArray query = heads(adapted(module + ".q_proj", x), architecture.heads());
    NDArray key = heads(adapted(module + ".k_proj", x), architecture.kvHeads());
    NDArray value = heads(adapted(module + ".v_proj", x), architecture.kvHeads());
    if (architecture.qkNorm()) {
      query = norm(module + ".q_norm", query);
      key = norm(module + ".k_norm", key);
    }
    query = rotate(query).transpose(1, 0, 2);
    key = perQueryHead(rotate(key).transpose(1, 0, 2));
    value = perQueryHead(value.transpose(1, 0, 2));
    NDArray scores =
        scaled(
            query.matMul(key.transpose(0, 2, 1)), 1 / (float) Math.sqrt(architecture.headSize()));
    NDArray shares = scores.add(mask(architecture.windows()[layer])).softmax(2);
    NDArray attended = shares.matMul(value).transpose(1, 0, 2).reshape(ids.length, -1);
    return adapted(module + ".o_proj", attended);
  }

  /** [ids, heads, headSize] */
  private NDArray heads(NDArray x, int heads) {
    return x.reshape(ids.length, heads, architecture.headSize());
  }

  /** Query head h attends through key and value head h / (heads / kvHeads). */
  private NDArray perQueryHead(NDArray x) {
    return x.repeat(0, architecture.heads() / architecture.kvHeads());
  }

  /** Turns the pair (x[i], x[i + half]) as a complex number. */
  private NDArray rotate(NDArray x) {
    NDList halves = x.split(2, 2);
    NDArray real = halves.get(0);
    NDArray imaginary = halves.get(1);
    return real.mul(cosines)
        .sub(imaginary.mul(sines))
        .concat(real.mul(sines).add(imaginary.mul(cosines)), 2);
  }

  /** 0 where position i sees position j, else minus infinity, [ids, ids]. */
  private NDArray mask(int window) {
    int n = ids.length;
    float[] mask = new float[n * n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        boolean seen = j <= i && (window == 0 || i - j < window);
        mask[i * n + j] = seen ? 0 : Float.NEGATIVE_INFINITY;
      }
    }
    return step.create(mask, new Shape(n, n));
  }

  private NDArray mlp(String module, NDArray x) {
    NDArray gate = adapted(module + ".gate_proj", x);
    NDArray activated = gate.mul(Activation.sigmoid(gate));
    return adapted(module + ".down_proj", activated.mul(adapted(module + ".up_proj", x)));
  }

  private NDArray head(NDArray x) {
    NDArray logits = adapted("lm_head", x);
    for (Applied applied : adapters) {
      ReferenceAdapter.Rows rows = applied.adapter().headRows();
      if (rows != null) {
        int[] vocabulary =
            java.util.stream.IntStream.range(0, architecture.vocabularySize()).toArray();
        NDArray chosen = choice(vocabulary, rows.tokenIds()).transpose();
        NDArray replaced =
            logits.mul(notChosen(chosen, 0)).add(linear(x, rows.values(), null).matMul(chosen));
        logits = sinceActive(applied, logits, replaced);
      }
    }
    return logits;
  }

  /** W x + b, then what each adapter makes of it, in the order of the request. */
  private NDArray adapted(String module, NDArray x) {
    NDArray bias = weights.find(module + ".bias");
    NDArray y = linear(x, weights.get(module + ".weight"), bias);
    for (Applied applied : adapters) {
      ReferenceAdapter.Linear edit = applied.adapter().linear(module);
      if (edit != null && edit.weight() != null) {
        y = sinceActive(applied, y, linear(x, edit.weight(), bias));
      }
    }
    for (Applied applied : adapters) {
      ReferenceAdapter.Linear edit = applied.adapter().linear(module);
      if (edit != null) {
        y = sinceActive(applied, y, edited(y, x, edit, applied.scale()));
      }
    }
    return y;
  }

  /** gain · (y + s · B A x) + shift */
  private NDArray edited(NDArray y, NDArray x, ReferenceAdapter.Linear edit, float scale) {
    NDArray edited = y;
    if (edit.a() != null && edit.b() != null) {
      NDArray product = linear(linear(x, edit.a(), null), edit.b(), null);
      edited = edited.add(scaled(product, edit.scale() * scale));
    }
    if (edit.gain() != null) {
      edited = edited.mul(edit.gain());
    }
    if (edit.shift() != null) {
      edited = edited.add(edit.shift());
    }
    return edited;
  }

  /** Rows before the adapter's first position keep what they were. */
  private NDArray sinceActive(Applied applied, NDArray before, NDArray edited) {
    int from = applied.activeFrom();
    if (from <= 0) {
      return edited;
    }
    if (from >= ids.length) {
      return before;
    }
    NDArray untouched = before.get(new NDIndex("0:" + from));
    return untouched.concat(edited.get(new NDIndex(from + ":")), 0);
  }

  /** 1 where row i has the j-th of the wanted ids, else 0, [rows, wanted]. */
  private NDArray choice(int[] rows, int[] wanted) {
    float[] chosen = new float[rows.length * wanted.length];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < wanted.length; j++) {
        chosen[i * wanted.length + j] = rows[i] == wanted[j] ? 1 : 0;
      }
    }
    return step.create(chosen, new Shape(rows.length, wanted.length));
  }

  private static NDArray notChosen(NDArray chosen, int axis) {
    return chosen.sum(new int[] {axis}, true).neg().add(1);
  }

  /**
   * x · factor, with a factor that lives as long as the step: DJL frees a plain number's array at
   * once, though the way back reads its memory.
   */
  private NDArray scaled(NDArray x, float factor) {
    return x.mul(step.create(factor));
  }

  private static NDArray lookup(NDArray tokens, NDArray table) {
    return Embedding.embedding(tokens, table, SparseFormat.DENSE).singletonOrThrow();
  }

  private static NDArray linear(NDArray x, NDArray weight, @Nullable NDArray bias) {
    return Linear.linear(x, weight, bias).singletonOrThrow();
  }
}
