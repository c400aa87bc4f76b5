// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// A registered price. Numbers start at 1; 0 is no price.
type PriceId is uint64;

using {priceEquals as ==} for PriceId global;

function priceEquals(PriceId a, PriceId b) pure returns (bool) {
    return PriceId.unwrap(a) == PriceId.unwrap(b);
}

/// What one debit takes and what its payer allowed, in one word: `delta << 160 | limit << 64 | expiry`.
/// Packed because a post of 500 debits must stay under the 128 KiB that nodes accept as one transaction.
/// delta: uint96, smallest unit of the asset. limit: uint96, cumulative. expiry: uint64, unix seconds.
type Amounts is uint256;

using {delta, limit, expiry} for Amounts global;

// The casts below take exactly the bits that the packing above put there.
// forge-lint: disable-start(unsafe-typecast)
/// What this debit takes, smallest unit of the asset.
function delta(Amounts amounts) pure returns (uint96) {
    return uint96(Amounts.unwrap(amounts) >> 160);
}

/// The most that the payer may have spent over the life of the account, smallest unit of the asset.
function limit(Amounts amounts) pure returns (uint96) {
    return uint96(Amounts.unwrap(amounts) >> 64);
}

/// The last second at which the signed limit counts, unix seconds.
function expiry(Amounts amounts) pure returns (uint64) {
    return uint64(Amounts.unwrap(amounts));
}

// forge-lint: disable-end(unsafe-typecast)

/// One served request. Signed by the operator when it answers; its EIP-712 struct hash is the receipt hash.
struct Receipt {
    bytes32 requestId; // made by the operator, never by a client: two receipts with one id cost the operator its stake
    address payer;
    bytes32 model;
    bytes32 adapter;
    bytes32 promptHash;
    bytes32 outputHash;
    uint64 tokensIn;
    uint64 tokensOut;
    PriceId priceId;
    uint96 amount; // smallest unit of the asset
    bytes32 traceHash;
    uint64 timestamp; // unix seconds
}

/// Signed by `signer` for `payer`: `operator` may charge until `limit` is spent over the life of the account.
struct SpendingLimit {
    address payer;
    address signer; // the payer, or one of its session keys
    address operator;
    uint96 limit; // cumulative, smallest unit of the asset
    uint64 expiry; // unix seconds, inclusive
}

/// One payer's part of a post.
struct Debit {
    address payer;
    address signer; // zero: no signature, a limit on the chain is used
    Amounts amounts; // limit and expiry count only with a signature
    uint64 count; // receipts, at least 1
    bytes32 subRoot; // root of the Merkle-sum tree over these receipts; its sum is delta
    bytes32 r; // the signature over the SpendingLimit, EIP-2098
    bytes32 vs;
}

/// A debit as the receipts root commits to it.
struct ChargedDebit {
    address payer;
    uint64 firstSeq; // sequence number of the first receipt
    uint64 count;
    uint96 delta;
    bytes32 subRoot;
}

/// What the operator states when it posts. The rest of the batch is computed.
struct Post {
    uint64 seq; // last + 1; the first is 1
    bytes32 prevHash; // batchHash(seq - 1)
    bytes32 payoutsRoot;
    uint128 payoutsTotal; // sum of all leaves under payoutsRoot, cumulative
    uint64 periodStart; // unix seconds, at or after the end of the period before
    uint64 periodEnd; // unix seconds, not in the future
    bytes32 daHash; // keccak256 of the data-availability commitment
}

/// A posted batch. The chain keeps only keccak256(abi.encode(batch)).
struct Batch {
    uint64 seq;
    bytes32 prevHash;
    bytes32 receiptsRoot;
    bytes32 payoutsRoot;
    uint128 charged; // what this batch took from its payers
    uint128 payoutsTotal;
    uint64 periodStart;
    uint64 periodEnd;
    bytes32 daHash;
    uint64 postedAt; // unix seconds, block time
    uint64 epoch; // upheld disputes before this batch
}

/// One beneficiary's leaf in a payouts tree.
struct Payout {
    address beneficiary;
    uint256 cumulative; // over the life of the contract
    bytes32[] proof;
}

/// Why a debit is refused. The order is the order of the checks.
enum Refusal {
    None,
    OutOfOrder, // payers ascend, each once
    CountOutOfRange, // count is 0 or above 2^32 - 1
    OverDeposit, // spent + delta > deposited
    Expired, // the signed limit, or the session key, is past its time
    UnknownKey, // signer is neither the payer nor a session key of it
    BadSignature, // the signature is not the signer's
    OverLimit // spent + delta > what is allowed
}

/// What a settlement contract is made with. Times in seconds.
struct Terms {
    address asset; // address(0): the native coin
    address owner; // may change the operator and the arbiter; cannot touch money
    address operator; // posts batches, signs receipts
    address arbiter; // decides disputes; cannot touch money
    address permit2; // address(0): no Permit2 route
    uint64 withdrawDelay; // for withdrawals, limit cuts and key removals
    uint64 disputeWindow; // after a post, before its payouts can be claimed
    uint64 resolvePeriod; // a dispute that nobody decided ends after it
    uint64 abandonDelay; // without a post, before the contract may be wound down
    uint96 disputeBond; // smallest unit of the asset
}
