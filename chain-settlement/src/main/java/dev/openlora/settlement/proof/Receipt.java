package dev.openlora.settlement.proof;

import java.math.BigInteger;

/**
 * One served request as the operator signs it and the contracts know it.
 *
 * @param model hash of the base model's content
 * @param adapter hash of the adapters' content; zero for the base alone
 * @param priceId number of the registered price, from 1
 * @param amount what it costs, in the smallest unit of the asset; below 2^96
 * @param traceHash hash of the attribution trace
 * @param timestamp unix seconds
 */
public record Receipt(
    Bytes32 requestId,
    Address payer,
    Bytes32 model,
    Bytes32 adapter,
    Bytes32 promptHash,
    Bytes32 outputHash,
    long tokensIn,
    long tokensOut,
    long priceId,
    BigInteger amount,
    Bytes32 traceHash,
    long timestamp) {
  static final String TYPE =
      "Receipt(bytes32 requestId,address payer,bytes32 model,bytes32 adapter,bytes32 promptHash,"
          + "bytes32 outputHash,uint64 tokensIn,uint64 tokensOut,uint64 priceId,uint96 amount,"
          + "bytes32 traceHash,uint64 timestamp)";
  private static final Bytes32 TYPE_HASH = Keccak.of(TYPE);

  public Receipt {
    Range.notNegative("tokensIn", tokensIn);
    Range.notNegative("tokensOut", tokensOut);
    Range.notNegative("priceId", priceId);
    Range.unsigned("amount", amount, 96);
    Range.notNegative("timestamp", timestamp);
  }

  /** The EIP-712 struct hash: what stands in the receipts tree. */
  public Bytes32 hash() {
    return new Keccak.Words(13)
        .add(TYPE_HASH)
        .add(requestId)
        .add(payer)
        .add(model)
        .add(adapter)
        .add(promptHash)
        .add(outputHash)
        .add(tokensIn)
        .add(tokensOut)
        .add(priceId)
        .add(amount)
        .add(traceHash)
        .add(timestamp)
        .hash();
  }
}
