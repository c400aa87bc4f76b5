package dev.openlora.settlement.chain;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/**
 * A contract refused: the error that it declares, by name, with its values by name. Numbers are
 * {@link java.math.BigInteger}, accounts {@link dev.openlora.settlement.proof.Address}, hashes
 * {@link dev.openlora.settlement.proof.Bytes32}, names of fields {@link String}, the reason of a
 * refused debit {@link Refusal}.
 */
public final class SettlementError extends ChainException {
  private static final long serialVersionUID = 1L;

  private final String name;
  private final transient SequencedMap<String, Object> values;

  SettlementError(String name, SequencedMap<String, Object> values) {
    super(
        values.entrySet().stream()
            .map(value -> value.getKey() + "=" + value.getValue())
            .collect(Collectors.joining(", ", name + "(", ")")));
    this.name = name;
    this.values = new LinkedHashMap<>(values);
  }

  public String name() {
    return name;
  }

  /** In the order of their declaration. */
  public Map<String, Object> values() {
    return Collections.unmodifiableMap(values);
  }
}
