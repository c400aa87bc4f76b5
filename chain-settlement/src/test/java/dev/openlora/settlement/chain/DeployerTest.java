package dev.openlora.settlement.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Deploying, and asking what it would cost. */
class DeployerTest {
  @RegisterExtension static final RunningChain CHAIN = new RunningChain();

  private static final Key KEY = TestAccount.STAKER_2.key();

  private static DeploymentTerms terms(Duration withdrawDelay) {
    return new DeploymentTerms(
        Address.ZERO,
        Market.of(TestAccount.OWNER),
        Market.of(TestAccount.OPERATOR),
        Market.of(TestAccount.ARBITER),
        Address.ZERO,
        Market.of(TestAccount.TREASURY),
        new DeploymentTerms.Delays(
            withdrawDelay,
            Duration.ofDays(1),
            Duration.ofDays(2),
            Duration.ofDays(60),
            Duration.ofDays(7)),
        Market.OPEN,
        1000,
        500);
  }

  @Test
  void anEstimateSendsNothingAndIsWhatADeploymentThenCosts() throws Exception {
    Deployer deployer = new Deployer(CHAIN.rpc(), KEY);
    BigInteger height = CHAIN.rpc().height(Block.LATEST);
    BigInteger balance = CHAIN.rpc().balance(KEY.address(), Block.LATEST);
    DeploymentEstimate estimate = deployer.estimate(terms(Duration.ofDays(1)));
    assertThat(CHAIN.rpc().nonce(KEY.address())).isZero();
    assertThat(CHAIN.rpc().nextNonce(KEY.address())).isZero();
    assertThat(CHAIN.rpc().height(Block.LATEST)).isEqualTo(height);
    assertThat(CHAIN.rpc().balance(KEY.address(), Block.LATEST)).isEqualTo(balance);
    assertThat(estimate.balance()).isEqualTo(balance);
    assertThat(estimate.isOpStack()).isTrue();
    for (DeploymentEstimate.Step step : estimate.steps()) {
      // The oracle of the local chain asks 1 gwei a byte, and none of these is below 2 kB.
      assertThat(step.dataFee()).isGreaterThan(BigInteger.valueOf(2000L * 1_000_000_000));
      assertThat(step.operatorFee()).isZero();
      assertThat(CHAIN.rpc().hasCode(step.address())).isFalse();
    }

    List<String> lines = new ArrayList<>();
    Deployment deployment = deployer.deploy(terms(Duration.ofDays(1)), lines::add);
    assertThat(lines).hasSize(3).first().asString().startsWith("Settlement 0x");
    assertThat(estimate.steps())
        .extracting(DeploymentEstimate.Step::address)
        .containsExactly(deployment.settlement(), deployment.prices(), deployment.bond());
    assertThat(CHAIN.rpc().nonce(KEY.address())).isEqualTo(3);
    Sender sender = new Sender(CHAIN.rpc(), KEY);
    assertThat(deployment.bond(CHAIN.rpc(), sender).settlement().send())
        .isEqualToIgnoringCase(deployment.settlement().toString());
    assertThat(deployment.bond(CHAIN.rpc(), sender).prices().send())
        .isEqualToIgnoringCase(deployment.prices().toString());
    assertThat(deployment.settlement(CHAIN.rpc(), sender).domainSeparator().send())
        .isEqualTo(deployment.domain().separator().bytes());
    BigInteger gas =
        estimate.steps().stream()
            .map(DeploymentEstimate.Step::gas)
            .reduce(BigInteger.ZERO, BigInteger::add);
    BigInteger paid = balance.subtract(CHAIN.rpc().balance(KEY.address(), Block.LATEST));
    // Base fees fall from block to block here, and no fee for data is taken.
    assertThat(paid).isPositive().isLessThanOrEqualTo(gas.multiply(estimate.gasPrice()));
  }

  @Test
  void anEstimateSaysWhichTermTheContractsDoNotTake() {
    Deployer deployer = new Deployer(CHAIN.rpc(), KEY);
    assertThatThrownBy(() -> deployer.estimate(terms(Duration.ofSeconds(5))))
        .isInstanceOf(SettlementError.class)
        .hasMessage("DelayOutOfRange(field=withdrawDelay, value=5, min=900, max=2592000)");
  }

  @Test
  void anEstimateOnAnotherChainKnowsNoFeeForData() {
    CHAIN.rpc().request("anvil_setCode", GasPriceOracle.ADDRESS.toString(), "0x");
    DeploymentEstimate estimate =
        new Deployer(CHAIN.rpc(), KEY).estimate(terms(Duration.ofDays(1)));
    assertThat(estimate.isOpStack()).isFalse();
    assertThat(estimate.steps())
        .extracting(DeploymentEstimate.Step::dataFee)
        .containsOnly(BigInteger.ZERO);
  }

  @Test
  void refusesTermsThatNameNobody() {
    assertThatThrownBy(() ->
            new DeploymentTerms(
                Address.ZERO,
                Address.ZERO,
                Market.of(TestAccount.OPERATOR),
                Market.of(TestAccount.ARBITER),
                Address.ZERO,
                Market.of(TestAccount.TREASURY),
                DeploymentTerms.Delays.SHORTEST,
                BigInteger.ONE,
                0,
                0))
        .hasMessage("owner: the zero address (expected: one that somebody holds)");
  }

  @Test
  void keysAreReadFromFilesThatNobodyElseCanRead(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("key"), "0x" + "0".repeat(63) + "1\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    assertThatThrownBy(() -> Key.read(file))
        .hasMessage("key file: %s is rw-r----- (expected: for its owner alone; chmod 600)", file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Key key = Key.read(file);
    // The address of the private key 1 is in every book.
    assertThat(key.address()).hasToString("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    assertThat(key).hasToString("the key of " + key.address());
    Files.writeString(file, "0x12");
    assertThatThrownBy(() -> Key.read(file)).hasMessageContaining("2 characters");
    // The first account of the test mnemonic is known as well.
    assertThat(TestAccount.DEPLOYER.key().address())
        .hasToString("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
  }
}
