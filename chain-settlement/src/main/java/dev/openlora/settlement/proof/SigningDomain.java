package dev.openlora.settlement.proof;

import java.math.BigInteger;

/** The EIP-712 domain of one settlement contract on one chain: what keeps signatures there. */
public final class SigningDomain {
  static final String NAME = "OpenLoRA Settlement";
  static final String VERSION = "1";

  private static final Bytes32 TYPE_HASH =
      Keccak.of(
          "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

  private final Bytes32 separator;

  public SigningDomain(BigInteger chainId, Address settlement) {
    separator =
        new Keccak.Words(5)
            .add(TYPE_HASH)
            .add(Keccak.of(NAME))
            .add(Keccak.of(VERSION))
            .add(Range.unsigned("chainId", chainId, 256))
            .add(settlement)
            .hash();
  }

  /** Also the previous hash of the first batch. */
  public Bytes32 separator() {
    return separator;
  }

  /** What the operator signs. */
  public Bytes32 digest(Receipt receipt) {
    return digest(receipt.hash());
  }

  /** What a payer or its session key signs. */
  public Bytes32 digest(SpendingLimit limit) {
    return digest(limit.hash());
  }

  private Bytes32 digest(Bytes32 structHash) {
    byte[] message = new byte[2 + 2 * Bytes32.LENGTH];
    message[0] = 0x19;
    message[1] = 0x01;
    separator.copyTo(message, 2);
    structHash.copyTo(message, 2 + Bytes32.LENGTH);
    return Keccak.of(message);
  }
}
