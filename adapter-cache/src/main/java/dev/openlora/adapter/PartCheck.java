package dev.openlora.adapter;

import java.util.EnumSet;
import java.util.Set;

/**
 * Compares the parts that a file holds for one module with those that its config asks for: a part
 * too many would be lost, a part too few would be guessed, so both are refused with the tensor.
 */
final class PartCheck {
  private final AdapterTensors tensors;
  private final String module;
  private final EnumSet<TensorPart> allowed = EnumSet.noneOf(TensorPart.class);

  PartCheck(AdapterTensors tensors, String module) {
    this.tensors = tensors;
    this.module = module;
  }

  PartCheck allow(TensorPart... parts) {
    allowed.addAll(Set.of(parts));
    return this;
  }

  PartCheck require(TensorPart part, String because) throws AdapterException {
    if (!tensors.has(module, part)) {
      throw Refusal.invalid(
          AdapterWeights.subject(AdapterTensors.expected(module, part)),
          "missing (expected: " + because + ")");
    }
    return allow(part);
  }

  /** Refuses every part that nothing has allowed. */
  void finish(ModuleRoles.Role role, boolean biased) throws AdapterException {
    for (TensorPart part : TensorPart.values()) {
      String name = tensors.name(module, part);
      if (name != null && !allowed.contains(part)) {
        throw Refusal.invalid(AdapterWeights.subject(name), why(part, role, biased));
      }
    }
  }

  private static String why(TensorPart part, ModuleRoles.Role role, boolean biased) {
    return switch (part) {
      case A, B, EMBEDDING_A, EMBEDDING_B ->
          role.target()
              ? "not the kind of matrix that this module takes"
              : role.saved()
                  ? "modules_to_save replaces the module as a whole"
                  : "target_modules, exclude_modules and layers_to_transform leave the module out";
      case MAGNITUDE ->
          role.target() ? "use_dora is false" : "target_modules leaves the module out";
      case B_BIAS -> role.target() ? "lora_bias is false" : "target_modules leaves the module out";
      case WEIGHT -> "modules_to_save does not name the module";
      case BASE_WEIGHT -> "a base weight where none is expected";
      case BIAS, BASE_BIAS ->
          biased
              ? "the config's bias and modules_to_save leave this bias as it is"
              : "the module has no bias in this base";
      case TOKEN_ROWS -> "trainable_token_indices does not name the module";
    };
  }
}
