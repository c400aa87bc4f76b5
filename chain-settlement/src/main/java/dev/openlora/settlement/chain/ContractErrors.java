package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Bytes32;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.web3j.abi.FunctionReturnDecoder;
import org.web3j.abi.TypeReference;
import org.web3j.abi.datatypes.Type;
import org.web3j.crypto.Hash;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads the data of a revert by the errors that the contracts' ABIs declare. */
final class ContractErrors {
  private static final List<String> CONTRACTS =
      List.of("Settlement", "Bond", "Prices", "MockToken"); // the last for what ERC-20s say
  private static final int SELECTOR_DIGITS = 8;
  private static final int DATA_SHOWN = 128; // characters

  private record Value(String name, String type, String internalType) {}

  private record Declaration(String name, List<Value> values) {}

  private static final Map<String, Declaration> BY_SELECTOR = declarations();

  private ContractErrors() {}

  /** Empty when the data is no error that a contract here, or the compiler, declares. */
  static Optional<SettlementError> decode(String data) {
    String digits = data.startsWith("0x") ? data.substring(2) : data;
    if (digits.length() < SELECTOR_DIGITS) {
      return Optional.empty();
    }
    Declaration declaration = BY_SELECTOR.get(digits.substring(0, SELECTOR_DIGITS));
    return declaration == null
        ? Optional.empty()
        : Optional.of(read(declaration, digits.substring(SELECTOR_DIGITS)));
  }

  /** The named error, or one called Reverted that shows the data. */
  static SettlementError of(String data, String message) {
    return decode(data)
        .orElseGet(() -> {
          SequencedMap<String, Object> values = new LinkedHashMap<>();
          values.put("message", message);
          values.put("data", data.substring(0, Math.min(data.length(), DATA_SHOWN)));
          return new SettlementError("Reverted", values);
        });
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // web3j's decoder takes raw type references
  private static SettlementError read(Declaration declaration, String digits) {
    List<TypeReference<Type>> types = new ArrayList<>();
    for (Value value : declaration.values()) {
      try {
        types.add((TypeReference) TypeReference.makeTypeReference(value.type()));
      } catch (ClassNotFoundException e) {
        throw new IllegalStateException("no ABI type " + value.type(), e);
      }
    }
    List<Type> decoded = FunctionReturnDecoder.decode(digits, types);
    SequencedMap<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < decoded.size(); i++) {
      Value value = declaration.values().get(i);
      values.put(value.name(), plain(value, decoded.get(i).getValue()));
    }
    return new SettlementError(declaration.name(), values);
  }

  private static Object plain(Value value, Object decoded) {
    return switch (decoded) {
      case BigInteger number when value.internalType().equals("enum Refusal") ->
          Refusal.of(number.intValueExact());
      case byte[] bytes when bytes.length == Bytes32.LENGTH -> shortName(bytes);
      case byte[] bytes -> "0x" + HexFormat.of().formatHex(bytes);
      case String address when value.type().equals("address") -> Address.parse(address);
      default -> decoded;
    };
  }

  /** Field names come as ASCII, padded with zeros; anything else is a hash. */
  private static Object shortName(byte[] bytes) {
    int length = 0;
    while (length < bytes.length && bytes[length] > ' ' && bytes[length] < 0x7F) {
      length++;
    }
    for (int i = length; i < bytes.length; i++) {
      if (bytes[i] != 0) {
        return Bytes32.of(bytes);
      }
    }
    return length == 0
        ? Bytes32.of(bytes)
        : new String(bytes, 0, length, StandardCharsets.US_ASCII);
  }

  private static Map<String, Declaration> declarations() {
    Map<String, Declaration> bySelector = new HashMap<>();
    add(bySelector, new Declaration("Error", List.of(new Value("message", "string", "string"))));
    add(bySelector, new Declaration("Panic", List.of(new Value("code", "uint256", "uint256"))));
    for (String contract : CONTRACTS) {
      for (JsonNode entry : abi(contract)) {
        if (entry.path("type").asString().equals("error")) {
          List<Value> values = new ArrayList<>();
          for (JsonNode input : entry.path("inputs")) {
            values.add(
                new Value(
                    input.path("name").asString(),
                    input.path("type").asString(),
                    input.path("internalType").asString()));
          }
          add(bySelector, new Declaration(entry.path("name").asString(), values));
        }
      }
    }
    return Map.copyOf(bySelector);
  }

  private static JsonNode abi(String contract) {
    try (InputStream artifact = ContractErrors.class.getResourceAsStream(contract + ".json")) {
      if (artifact == null) {
        throw new IllegalStateException(contract + ".json is not in the jar");
      }
      return JsonMapper.shared().readTree(artifact).path("abi");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void add(Map<String, Declaration> bySelector, Declaration declaration) {
    String signature =
        declaration.values().stream()
            .map(Value::type)
            .collect(Collectors.joining(",", declaration.name() + "(", ")"));
    String selector = Hash.sha3String(signature).substring(2, 2 + SELECTOR_DIGITS);
    bySelector.put(selector, declaration);
  }
}
