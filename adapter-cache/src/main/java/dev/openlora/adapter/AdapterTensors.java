package dev.openlora.adapter;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of an adapter file by module and part. Every name has to be understood and to belong
 * to a module of the base: a tensor that nobody reads would be a change that is silently lost.
 */
final class AdapterTensors {
  static final String PREFIX = "base_model.model.";

  private final Map<String, Map<TensorPart, String>> byModule = new LinkedHashMap<>();

  private AdapterTensors() {}

  static AdapterTensors of(Iterable<String> names, BaseModel base, AdapterConfig config)
      throws AdapterException {
    Set<String> modules =
        Stream.of(
                Stream.of(ModuleRoles.EMBEDDING),
                base.linears().stream().map(BaseModel.LinearModule::name),
                base.norms().stream().map(BaseModel.NormModule::name))
            .flatMap(part -> part)
            .collect(Collectors.toSet());
    AdapterTensors tensors = new AdapterTensors();
    for (String name : names) {
      tensors.add(name, modules, base, config);
    }
    return tensors;
  }

  /** The full name of a module's tensor, or null. */
  @Nullable String name(String module, TensorPart part) {
    return of(module).get(part);
  }

  boolean has(String module, TensorPart part) {
    return of(module).containsKey(part);
  }

  /** The name that a missing tensor should have had. */
  static String expected(String module, TensorPart part) {
    return PREFIX + module + part.ending();
  }

  private Map<TensorPart, String> of(String module) {
    return byModule.getOrDefault(module, Map.of());
  }

  private void add(String name, Set<String> modules, BaseModel base, AdapterConfig config)
      throws AdapterException {
    if (!name.startsWith(PREFIX)) {
      throw invalid(name, "a name without " + PREFIX + " (expected: a tensor that PEFT saved)");
    }
    String rest = name.substring(PREFIX.length());
    for (TensorPart part : TensorPart.values()) {
      for (String ending : part.endings()) {
        if (!rest.endsWith(ending)) {
          continue;
        }
        String module = rest.substring(0, rest.length() - ending.length());
        if (!modules.contains(module)) {
          throw unknownModule(name, module, base, config);
        }
        String other =
            byModule.computeIfAbsent(module, _ -> new EnumMap<>(TensorPart.class)).put(part, name);
        if (other != null) {
          throw invalid(name, "the same part as '" + Refusal.shown(other) + "' (expected: once)");
        }
        return;
      }
    }
    throw Refusal.unsupported(
        "tensor '" + Refusal.shown(name) + "'",
        "not a tensor name of a LoRA adapter that is served");
  }

  private static AdapterException unknownModule(
      String name, String module, BaseModel base, AdapterConfig config) {
    if (module.equals("score") || module.equals("classifier") || module.equals("qa_outputs")) {
      return Refusal.unsupported(
          "tensor '" + Refusal.shown(name) + "'",
          "a classifier's head, task_type " + config.taskType() + " (served: CAUSAL_LM)");
    }
    return invalid(
        name,
        "this "
            + base.family()
            + " base of "
            + base.layers()
            + " layers has no module '"
            + Refusal.shown(module)
            + "'");
  }

  private static AdapterException invalid(String name, String problem) {
    return Refusal.invalid("tensor '" + Refusal.shown(name) + "'", problem);
  }
}
