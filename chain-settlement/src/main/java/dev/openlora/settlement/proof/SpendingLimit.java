package dev.openlora.settlement.proof;

import java.math.BigInteger;

/**
 * A payer's word that an operator may charge until {@code limit} is spent over the life of the
 * account.
 *
 * @param signer the payer, or one of its session keys
 * @param limit cumulative, in the smallest unit of the asset; below 2^96
 * @param expiry the last second at which it counts, unix seconds
 */
public record SpendingLimit(
    Address payer, Address signer, Address operator, BigInteger limit, long expiry) {
  static final String TYPE =
      "SpendingLimit(address payer,address signer,address operator,uint96 limit,uint64 expiry)";
  private static final Bytes32 TYPE_HASH = Keccak.of(TYPE);

  public SpendingLimit {
    Range.unsigned("limit", limit, 96);
    Range.notNegative("expiry", expiry);
  }

  /** The EIP-712 struct hash. */
  public Bytes32 hash() {
    return new Keccak.Words(6)
        .add(TYPE_HASH)
        .add(payer)
        .add(signer)
        .add(operator)
        .add(limit)
        .add(expiry)
        .hash();
  }
}
