package dev.openlora.settlement.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.settlement.proof.Address;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.Utf8String;
import org.web3j.abi.datatypes.generated.Bytes32;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.abi.datatypes.generated.Uint8;

/** From the data of a revert to a sentence. */
class ContractErrorsTest {
  private static final Address PAYER = Address.parse("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");

  private static String data(String name, Type<?>... values) {
    return FunctionEncoder.encode(new Function(name, Arrays.asList(values), List.of()));
  }

  private static Uint256 number(long value) {
    return new Uint256(BigInteger.valueOf(value));
  }

  @Test
  void namesTheErrorItsValuesAndTheReason() {
    String data =
        data(
            "DebitRefused",
            number(3),
            new org.web3j.abi.datatypes.Address(PAYER.toString()),
            new Uint8(BigInteger.valueOf(7)),
            number(12),
            number(10));
    SettlementError error = ContractErrors.decode(data).orElseThrow();
    assertThat(error)
        .hasMessage(
            "DebitRefused(index=3, payer=%s, refusal=OverLimit, wanted=12, allowed=10)", PAYER);
    assertThat(error.name()).isEqualTo("DebitRefused");
    assertThat(error.values())
        .containsExactly(
            Map.entry("index", BigInteger.valueOf(3)),
            Map.entry("payer", PAYER),
            Map.entry("refusal", Refusal.OVER_LIMIT),
            Map.entry("wanted", BigInteger.valueOf(12)),
            Map.entry("allowed", BigInteger.TEN));
  }

  @Test
  void showsNamesOfFieldsAsTextAndHashesAsHashes() {
    byte[] field = Arrays.copyOf(new byte[] {'o', 'w', 'n', 'e', 'r'}, 32);
    assertThat(ContractErrors.decode(data("ZeroAddress", new Bytes32(field))))
        .get()
        .hasToString(SettlementError.class.getName() + ": ZeroAddress(field=owner)");
    byte[] hash = new byte[32];
    Arrays.fill(hash, (byte) 0x41);
    hash[31] = 7;
    assertThat(ContractErrors.decode(data("AlreadySlashed", new Bytes32(hash))).orElseThrow())
        .hasMessage("AlreadySlashed(faultId=0x%s07)", "41".repeat(31));
  }

  @Test
  void knowsWhatTheCompilerAndTokensThrow() {
    assertThat(ContractErrors.decode(data("Error", new Utf8String("no"))).orElseThrow())
        .hasMessage("Error(message=no)");
    assertThat(ContractErrors.decode(data("Panic", number(0x11))).orElseThrow())
        .hasMessage("Panic(code=17)");
    assertThat(
            ContractErrors.decode(
                    data(
                        "ERC20InsufficientAllowance",
                        new org.web3j.abi.datatypes.Address(PAYER.toString()),
                        number(1),
                        number(2)))
                .orElseThrow())
        .hasMessage("ERC20InsufficientAllowance(spender=%s, allowance=1, needed=2)", PAYER);
  }

  @Test
  void showsTheDataOfAnErrorThatNobodyDeclared() {
    assertThat(ContractErrors.decode("0x")).isEmpty();
    assertThat(ContractErrors.decode("0x01020304")).isEmpty();
    assertThat(ContractErrors.of("0x01020304", "execution reverted"))
        .hasMessage("Reverted(message=execution reverted, data=0x01020304)");
    assertThat(ContractErrors.of("0x" + "ab".repeat(500), "execution reverted").getMessage())
        .hasSizeLessThan(200);
  }

  @Test
  void reasonsAreNumberedAsTheContractNumbersThem() throws IOException {
    String types =
        Files.readString(RunningChain.root().resolve("chain-settlement/contracts/src/Types.sol"));
    Matcher declaration = Pattern.compile("enum Refusal \\{(.*?)}", Pattern.DOTALL).matcher(types);
    assertThat(declaration.find()).isTrue();
    List<String> names =
        Pattern.compile("\\w+")
            .matcher(declaration.group(1).replaceAll("//.*", ""))
            .results()
            .map(result -> result.group())
            .toList();
    assertThat(Arrays.stream(Refusal.values()).map(Refusal::toString).toList()).isEqualTo(names);
    assertThatThrownBy(() -> Refusal.of(names.size())).hasMessageContaining("refusal: 8");
  }
}
