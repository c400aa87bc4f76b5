package dev.openlora.adapter;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter's config says about each module of a base: adapted at which rank and scale, saved
 * as a whole, or left alone. Follows PEFT's rules for names, which differ from key to key: targets
 * are whole names or dotted suffixes, saved modules any ending of a module or of what contains it.
 */
final class ModuleRoles {
  /** The embedding's module name in every family served. */
  static final String EMBEDDING = "model.embed_tokens";

  private static final long PATTERN_STEPS = 200_000_000;

  /**
   * One module's part.
   *
   * @param rank the configured rank where it is a target, else 0
   * @param scale alpha / rank or alpha / √rank where it is a target, else 0
   */
  record Role(boolean target, boolean saved, int rank, float scale) {}

  private final AdapterConfig config;
  private final NamePattern.Budget budget = new NamePattern.Budget(PATTERN_STEPS);
  private final String head;
  private final List<NamePattern> savedPatterns = new ArrayList<>();

  private final List<Role> linears = new ArrayList<>();
  private final List<Role> norms = new ArrayList<>();
  private final Role embedding;

  private ModuleRoles(AdapterConfig config, BaseModel base) throws AdapterException {
    this.config = config;
    this.head = base.linears().getLast().name();
    for (String name : config.modulesToSave()) {
      savedPatterns.add(NamePattern.compile("modules_to_save", "(^|.*\\.)" + name + "($|\\..*)"));
    }
    for (BaseModel.LinearModule module : base.linears()) {
      linears.add(role(module.name(), true));
    }
    for (BaseModel.NormModule module : base.norms()) {
      norms.add(role(module.name(), false));
    }
    embedding = role(EMBEDDING, false);
    checkLayers(base);
    checkTargets(base);
    checkSaved(base);
  }

  static ModuleRoles of(AdapterConfig config, BaseModel base) throws AdapterException {
    return new ModuleRoles(config, base);
  }

  Role linear(int module) {
    return linears.get(module);
  }

  Role norm(int module) {
    return norms.get(module);
  }

  Role embedding() {
    return embedding;
  }

  private Role role(String module, boolean linear) throws AdapterException {
    boolean saved = saved(module);
    boolean target = isTarget(module, linear);
    if (!target) {
      return new Role(false, saved, 0, 0);
    }
    if (saved) {
      throw Refusal.unsupported(
          "modules_to_save", "'" + module + "' is among target_modules as well");
    }
    int rank = (int) config.rankPattern().of(module, config.rank(), budget);
    double alpha = config.alphaPattern().of(module, config.alpha(), budget);
    double scale = config.rsLora() ? alpha / Math.sqrt(rank) : alpha / rank;
    return new Role(true, false, rank, (float) scale);
  }

  private boolean saved(String module) {
    for (int dot = 0; dot >= 0; ) {
      dot = module.indexOf('.', dot + 1);
      String part = dot < 0 ? module : module.substring(0, dot);
      if (config.modulesToSave().stream().anyMatch(part::endsWith)) {
        return true;
      }
    }
    return false;
  }

  private boolean isTarget(String module, boolean linear) throws AdapterException {
    if (config.excluded() != null && selects(config.excluded(), module, linear)) {
      return false;
    }
    for (NamePattern pattern : savedPatterns) {
      if (pattern.matches(module, budget)) {
        return false;
      }
    }
    if (!selects(config.targets(), module, linear)) {
      return false;
    }
    return config.layers().length == 0
        || !(config.targets() instanceof ModuleNames.Listed listed)
        || listed.containsExactly(module)
        || isChosenLayer(module);
  }

  private boolean selects(ModuleNames names, String module, boolean linear)
      throws AdapterException {
    return switch (names) {
      case ModuleNames.Listed listed ->
          listed.containsExactly(module) || listed.containsSuffix(module);
      case ModuleNames.Matching matching -> matching.pattern().matches(module, budget);
      case ModuleNames.AllLinear _ -> linear && !module.equals(head);
    };
  }

  /** The last number between dots that has the configured name part before it. */
  private boolean isChosenLayer(String module) throws AdapterException {
    String[] parts = module.split("\\.", -1);
    for (int i = parts.length - 2; i >= 2; i--) {
      if (!parts[i].matches("[0-9]{1,9}")) {
        continue;
      }
      String before = String.join(".", List.of(parts).subList(0, i));
      boolean fits = config.layersPatterns().isEmpty();
      for (NamePattern pattern : config.layersPatterns()) {
        fits |= pattern.matches(before, budget);
      }
      if (fits) {
        int layer = Integer.parseInt(parts[i]);
        for (int chosen : config.layers()) {
          if (chosen == layer) {
            return true;
          }
        }
        return false;
      }
    }
    return false;
  }

  /**
   * Refuses targets that mean more than what takes a pair: blocks that hold modules, and what
   * stands beside linear layers. PEFT does not open such a config, so no file has it.
   */
  void refuseBlocks(BaseModel base) throws AdapterException {
    Set<String> blocks = new LinkedHashSet<>();
    for (BaseModel.LinearModule module : base.linears()) {
      String name = module.name();
      for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        blocks.add(name.substring(0, dot));
      }
      if (name.endsWith(".mlp.gate_proj")) {
        blocks.add(name.replace("gate_proj", "act_fn"));
      }
    }
    blocks.add("model.rotary_emb");
    for (String block : blocks) {
      if (isTarget(block, false)) {
        throw Refusal.invalid(
            "target_modules", "'" + block + "' is no linear layer (expected: linear layers alone)");
      }
    }
  }

  private void checkLayers(BaseModel base) throws AdapterException {
    for (int layer : config.layers()) {
      if (layer >= base.layers()) {
        throw Refusal.invalid(
            "layers_to_transform",
            layer + " (expected: 0 to " + (base.layers() - 1) + ", the layers of this base)");
      }
    }
  }

  private void checkTargets(BaseModel base) throws AdapterException {
    for (int i = 0; i < norms.size(); i++) {
      if (norms.get(i).target()) {
        throw Refusal.unsupported(
            "target_modules",
            "'" + base.norms().get(i).name() + "' is a norm (served: linear layers, embed_tokens)");
      }
    }
    boolean wanted =
        !(config.targets() instanceof ModuleNames.Listed(List<String> names)) || !names.isEmpty();
    if (wanted && !embedding.target() && linears.stream().noneMatch(Role::target)) {
      throw Refusal.invalid(
          "target_modules", "no module of this " + base.family() + " base is meant by it");
    }
  }

  private void checkSaved(BaseModel base) throws AdapterException {
    for (String name : config.modulesToSave()) {
      if (!isClassifierHead(name, config.taskType()) && !endsAnyModule(name, base)) {
        throw Refusal.invalid(
            "modules_to_save", "'" + name + "' is no module of this " + base.family() + " base");
      }
    }
  }

  private static boolean endsAnyModule(String name, BaseModel base) {
    List<String> modules = new ArrayList<>(List.of(EMBEDDING));
    base.linears().forEach(module -> modules.add(module.name()));
    base.norms().forEach(module -> modules.add(module.name()));
    for (String module : modules) {
      for (int dot = 0; dot >= 0; ) {
        dot = module.indexOf('.', dot + 1);
        if ((dot < 0 ? module : module.substring(0, dot)).endsWith(name)) {
          return true;
        }
      }
    }
    return false;
  }

  /** PEFT adds these names to every classifier's list; no causal model has them. */
  private static boolean isClassifierHead(String name, @Nullable String taskType) {
    String task = taskType == null ? "" : taskType.toUpperCase(Locale.ROOT);
    return !task.isEmpty()
        && !task.equals("CAUSAL_LM")
        && (name.equals("classifier") || name.equals("score") || name.equals("qa_outputs"));
  }
}
