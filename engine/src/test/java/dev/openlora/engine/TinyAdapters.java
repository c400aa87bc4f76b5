package dev.openlora.engine;

import dev.openlora.adapter.BaseModel;
import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.adapter.BaseModel.NormModule;
import dev.openlora.adapter.PeftFolder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Writes adapters of every served kind for any base, with effects about as large as the base's own
 * outputs (much larger ones make float32 itself the difference: attention then hangs on near ties),
 * the same bytes for the same seed.
 */
public final class TinyAdapters {
  /** What an adapter does. */
  public enum Kind {
    LORA,
    RS_LORA,
    PATTERNS,
    DORA,
    LORA_BIAS,
    BIAS_LORA_ONLY,
    BIAS_ALL,
    SAVED_HEAD,
    SAVED_NORMS,
    SAVED_EMBEDDING,
    SAVED_LINEAR,
    EMBEDDING_LORA,
    HEAD_LORA,
    TOKEN_INDICES,
    ALORA;

    /** Whether it means something for a base. */
    public boolean fits(BaseModel base) {
      return switch (this) {
        case BIAS_ALL -> base.linears().stream().anyMatch(module -> module.bias() != null);
        case BIAS_LORA_ONLY -> base.linears().getFirst().bias() != null;
        case SAVED_HEAD -> !base.tiedEmbeddings();
        default -> true;
      };
    }
  }

  private static final List<String> PROJECTIONS =
      List.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

  private final BaseModel base;
  private final Random random;
  private final PeftFolder folder;

  private TinyAdapters(BaseModel base, long seed) {
    this.base = base;
    random = new Random(seed);
    folder = new PeftFolder(random.nextLong());
  }

  /** The kinds that fit a base. */
  public static List<Kind> kinds(BaseModel base) {
    return Arrays.stream(Kind.values()).filter(kind -> kind.fits(base)).toList();
  }

  /** Writes an adapter folder; returns it. aLoRA is invoked by the ids {@code 7, 8}. */
  public static Path write(Path path, BaseModel base, Kind kind, long seed) {
    return new TinyAdapters(base, seed).build(kind).write(path);
  }

  private PeftFolder build(Kind kind) {
    int rank = 1 + random.nextInt(12);
    folder.with("r", rank).with("lora_alpha", 1 + random.nextInt(1 + rank / 2));
    switch (kind) {
      case LORA -> pairs(rank, targets());
      case RS_LORA -> {
        folder.with("use_rslora", true).with("lora_alpha", 1 + random.nextInt(3));
        pairs(rank, targets());
      }
      case PATTERNS -> patterns(rank);
      case DORA -> dora(rank);
      case LORA_BIAS -> loraBias(rank);
      case BIAS_LORA_ONLY -> biases("lora_only", rank);
      case BIAS_ALL -> biases("all", rank);
      case SAVED_HEAD -> save(rank, "lm_head", base.vocabularySize());
      case SAVED_EMBEDDING -> {
        if (base.tiedEmbeddings()) {
          folder.with("ensure_weight_tying", random.nextBoolean());
        }
        save(rank, "model.embed_tokens", base.vocabularySize());
      }
      case SAVED_LINEAR -> savedLinear(rank);
      case SAVED_NORMS -> savedNorms(rank);
      case EMBEDDING_LORA -> embeddingLora(rank);
      case HEAD_LORA -> pairs(rank, List.of("v_proj", "lm_head"));
      case TOKEN_INDICES -> tokenIndices(rank);
      case ALORA -> {
        folder.with("alora_invocation_tokens", List.of(7, 8));
        pairs(rank, targets());
      }
    }
    return folder;
  }

  /** Not queries and keys alone: with a window of one position they change nothing. */
  private List<String> targets() {
    List<String> targets = new ArrayList<>();
    while (List.of("q_proj", "k_proj").containsAll(targets)) {
      targets.clear();
      for (String projection : PROJECTIONS) {
        if (random.nextInt(3) > 0) {
          targets.add(projection);
        }
      }
    }
    return targets;
  }

  private void pairs(int rank, List<String> targets) {
    folder.with("target_modules", targets).pairs(base, rank, targets.toArray(new String[0]));
  }

  private List<LinearModule> modules(List<String> names) {
    return base.linears().stream()
        .filter(module -> names.stream().anyMatch(name -> module.name().endsWith("." + name)))
        .toList();
  }

  private void patterns(int rank) {
    List<String> targets = List.of("q_proj", "o_proj", "down_proj");
    folder.with("target_modules", targets);
    folder.with("rank_pattern", Map.of("layers.0.self_attn.q_proj", rank + 2, "down_proj", 1));
    folder.with("alpha_pattern", Map.of("o_proj", 2));
    for (LinearModule module : modules(targets)) {
      boolean first = module.name().endsWith("layers.0.self_attn.q_proj");
      int own = first ? rank + 2 : module.name().endsWith("down_proj") ? 1 : rank;
      folder.pair(module.name(), own, module.in(), module.out());
    }
  }

  private void dora(int rank) {
    List<String> targets = targets();
    folder.with("use_dora", true).with("use_rslora", random.nextBoolean());
    pairs(rank, targets);
    for (LinearModule module : modules(targets)) {
      folder.tensor(
          module.name() + ".lora_magnitude_vector", about(1.2f, module.out()), module.out());
    }
  }

  private void loraBias(int rank) {
    List<String> targets = targets();
    folder.with("lora_bias", true);
    pairs(rank, targets);
    for (LinearModule module : modules(targets)) {
      folder.tensor(module.name() + ".lora_B.bias", module.out());
    }
  }

  /** {@code all} replaces every bias, {@code lora_only} those of modules with a pair. */
  private void biases(String which, int rank) {
    List<String> targets = List.of("q_proj", "down_proj");
    folder.with("bias", which);
    pairs(rank, targets);
    for (LinearModule module : base.linears()) {
      boolean target = modules(targets).contains(module);
      if (module.bias() != null && (target || which.equals("all"))) {
        folder.tensor(module.name() + (target ? ".base_layer.bias" : ".bias"), module.out());
      }
    }
  }

  private void save(int rank, String module, int rows) {
    folder.with("modules_to_save", List.of(module.substring(module.lastIndexOf('.') + 1)));
    pairs(rank, targets());
    folder.tensor(module + ".weight", rows, base.hiddenSize());
  }

  private void savedLinear(int rank) {
    folder.with("modules_to_save", List.of("up_proj"));
    pairs(rank, List.of("q_proj", "v_proj"));
    for (LinearModule module : modules(List.of("up_proj"))) {
      folder.tensor(module.name() + ".weight", module.out(), module.in());
      if (module.bias() != null) {
        folder.tensor(module.name() + ".bias", module.out());
      }
    }
  }

  private void savedNorms(int rank) {
    folder.with("modules_to_save", List.of("norm"));
    pairs(rank, List.of("q_proj"));
    for (NormModule norm : base.norms()) {
      folder.tensor(norm.name() + ".weight", about(1, norm.width()), norm.width());
    }
  }

  private void embeddingLora(int rank) {
    List<String> targets = List.of("embed_tokens", "q_proj");
    pairs(rank, targets);
    folder.tensor("model.embed_tokens.lora_embedding_A", rank, base.vocabularySize());
    folder.tensor("model.embed_tokens.lora_embedding_B", base.hiddenSize(), rank);
  }

  private void tokenIndices(int rank) {
    int[] ids = random.ints(0, base.vocabularySize()).distinct().limit(40).toArray();
    folder.with("trainable_token_indices", Map.of("embed_tokens", ids));
    pairs(rank, targets());
    folder.tensor(
        "model.embed_tokens.token_adapter.trainable_tokens_delta", ids.length, base.hiddenSize());
  }

  private float[] about(float mean, int width) {
    float[] values = folder.values(width);
    for (int i = 0; i < width; i++) {
      values[i] += mean;
    }
    return values;
  }

  /** A name for a folder of a kind. */
  public static String name(Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
