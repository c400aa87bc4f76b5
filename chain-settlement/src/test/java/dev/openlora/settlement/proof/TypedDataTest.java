package dev.openlora.settlement.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.web3j.crypto.StructuredDataEncoder;

/** Receipts and limits hash as web3j's encoder of EIP-712 says. */
class TypedDataTest {
  private static final int CASES = 10_000;
  private static final String TYPES =
      """
      {"types": {
        "EIP712Domain": [
          {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
          {"name": "chainId", "type": "uint256"}, {"name": "verifyingContract", "type": "address"}],
        "SpendingLimit": [
          {"name": "payer", "type": "address"}, {"name": "signer", "type": "address"},
          {"name": "operator", "type": "address"}, {"name": "limit", "type": "uint96"},
          {"name": "expiry", "type": "uint64"}],
        "Receipt": [
          {"name": "requestId", "type": "bytes32"}, {"name": "payer", "type": "address"},
          {"name": "model", "type": "bytes32"}, {"name": "adapter", "type": "bytes32"},
          {"name": "promptHash", "type": "bytes32"}, {"name": "outputHash", "type": "bytes32"},
          {"name": "tokensIn", "type": "uint64"}, {"name": "tokensOut", "type": "uint64"},
          {"name": "priceId", "type": "uint64"}, {"name": "amount", "type": "uint96"},
          {"name": "traceHash", "type": "bytes32"}, {"name": "timestamp", "type": "uint64"}]},
       "primaryType": "%s",
       "domain": {"name": "OpenLoRA Settlement", "version": "1", "chainId": "%d",
                  "verifyingContract": "%s"},
       "message": {%s}}
      """;

  @Test
  void receiptsHashAsTheEncoderSays() throws Exception {
    Draws draws = Draws.announced("receiptsHashAsTheEncoderSays");
    for (int i = 0; i < CASES; i++) {
      BigInteger chain = draws.number(64);
      Address contract = draws.address();
      Receipt r = draws.receipt();
      String message =
          """
          "requestId": "%s", "payer": "%s", "model": "%s", "adapter": "%s", "promptHash": "%s",
          "outputHash": "%s", "tokensIn": "%d", "tokensOut": "%d", "priceId": "%d",
          "amount": "%d", "traceHash": "%s", "timestamp": "%d"
          """
              .formatted(
                  r.requestId(),
                  r.payer(),
                  r.model(),
                  r.adapter(),
                  r.promptHash(),
                  r.outputHash(),
                  r.tokensIn(),
                  r.tokensOut(),
                  r.priceId(),
                  r.amount(),
                  r.traceHash(),
                  r.timestamp());
      assertThat(new SigningDomain(chain, contract).digest(r).bytes())
          .as("%s on chain %s", r, chain)
          .isEqualTo(encoded("Receipt", chain, contract, message));
    }
  }

  @Test
  void limitsHashAsTheEncoderSays() throws Exception {
    Draws draws = Draws.announced("limitsHashAsTheEncoderSays");
    for (int i = 0; i < CASES; i++) {
      BigInteger chain = draws.number(64);
      Address contract = draws.address();
      SpendingLimit l = draws.limit();
      String message =
          "\"payer\": \"%s\", \"signer\": \"%s\", \"operator\": \"%s\", \"limit\": \"%d\", \"expiry\": \"%d\""
              .formatted(l.payer(), l.signer(), l.operator(), l.limit(), l.expiry());
      assertThat(new SigningDomain(chain, contract).digest(l).bytes())
          .as("%s on chain %s", l, chain)
          .isEqualTo(encoded("SpendingLimit", chain, contract, message));
    }
  }

  private static byte[] encoded(String type, BigInteger chain, Address contract, String message)
      throws Exception {
    return new StructuredDataEncoder(TYPES.formatted(type, chain, contract, message))
        .hashStructuredData();
  }

  @Test
  void refusesNumbersThatTheContractsCannotHold() {
    Draws draws = Draws.announced("refusesNumbersThatTheContractsCannotHold");
    Address someone = draws.address();
    BigInteger tooMuch = BigInteger.TWO.pow(96);
    assertThatThrownBy(() -> new SpendingLimit(someone, someone, someone, tooMuch, 1))
        .hasMessageContaining("limit: " + tooMuch);
    assertThatThrownBy(
            () -> new SpendingLimit(someone, someone, someone, BigInteger.ONE.negate(), 1))
        .hasMessageContaining("limit: -1");
    assertThatThrownBy(() -> new SpendingLimit(someone, someone, someone, BigInteger.ONE, -5))
        .hasMessageContaining("expiry: -5");
    assertThatThrownBy(() -> new Debit(someone, 0, 0, BigInteger.ONE, Bytes32.ZERO))
        .hasMessageContaining("count: 0");
  }

  @Test
  void addressesCarryTheChecksumOfEip55() {
    // The examples of EIP-55 itself.
    for (String address :
        new String[] {
          "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
          "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
          "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
          "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
        }) {
      assertThat(Address.parse(address)).hasToString(address);
      assertThat(Address.parse(address.toLowerCase(java.util.Locale.ROOT))).hasToString(address);
    }
    assertThatThrownBy(() -> Address.parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"))
        .hasMessageContaining("EIP-55");
    assertThatThrownBy(() -> Address.parse("0x5aAe")).hasMessageContaining("40 hexadecimal");
  }
}
