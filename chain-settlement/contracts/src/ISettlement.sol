// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Batch, Debit, Payout, Post, Refusal, SpendingLimit} from "./Types.sol";

/// One asset. Amounts in its smallest unit.
interface IVault {
    event Owed(address indexed account, uint256 amount);
    event Collected(address indexed account, address indexed to, uint256 amount);

    error ZeroAddress(bytes32 field);
    error ZeroAmount();
    error WrongValue(uint256 value, uint256 expected);
    error TransferRefused(address to, uint256 amount);
    error TooLittleGas(uint256 gas, uint256 required);
    error NothingOwed(address account);

    /// Pays the caller what a refused transfer, a bond, a refund or a reward left for it.
    function collect(address to) external returns (uint256 paid);

    function owed(address account) external view returns (uint256);
    function owedTotal() external view returns (uint256);

    /// The ERC-20, or address(0) for the native coin.
    function asset() external view returns (address);
}

/// The keys behind a settlement.
interface IRoles {
    event OperatorSet(address indexed previous, address indexed current);
    event ArbiterSet(address indexed previous, address indexed current);

    /// Owner: at once. Limits name the operator, so a new one starts with none.
    function setOperator(address operator_) external;

    /// Owner: at once.
    function setArbiter(address arbiter_) external;

    /// Posts batches and signs receipts.
    function operator() external view returns (address);

    /// Decides disputes.
    function arbiter() external view returns (address);

    /// When `key` stopped being the operator, unix seconds; max while it is; 0 if it never was.
    function operatorUntil(address key) external view returns (uint64);
}

/// Prepaid accounts and what may be charged to them. Amounts in the smallest unit of the asset, times in unix seconds.
interface IEscrow is IVault {
    event Deposited(address indexed payer, address indexed from, uint96 amount, uint96 deposited);
    event WithdrawalRequested(address indexed payer, uint96 amount, uint64 readyAt);
    event WithdrawalCancelled(address indexed payer);
    event Withdrawn(address indexed payer, address indexed to, uint96 amount);
    event StandingLimitSet(
        address indexed operator, address indexed payer, uint96 current, uint96 next, uint64 effectiveAt
    );
    event LimitAccepted(address indexed operator, address indexed payer, uint96 limit, uint64 expiry);
    event SessionKeySet(address indexed payer, address indexed key, uint96 cap, uint64 validUntil);

    error Permit2Unavailable();
    error DepositOverflow(address payer, uint256 deposited, uint256 received);
    error NothingAvailable(address payer, uint96 requested, uint96 available);
    error NoWithdrawal(address payer);
    error WithdrawalTooEarly(address payer, uint64 readyAt, uint64 time);
    error AcceptedLimitCut(address payer, uint96 limit, uint64 expiry);
    error LimitExpired(address payer, uint64 expiry, uint64 time);
    error LimitForOtherOperator(address payer, address named, address operator);
    error LimitSignerNotPayer(address payer, address signer);
    error LimitSignatureInvalid(address payer);
    error SessionKeyInvalid(address payer, address key, uint64 validUntil);
    error SessionKeyCut(address payer, address key, uint96 cap, uint64 validUntil);
    error NoSessionKey(address payer, address key);
    error DelayOutOfRange(bytes32 field, uint64 value, uint64 min, uint64 max);

    /// Credits `payer` with what arrived from the caller: all of `amount`, or less if the token takes a fee.
    function deposit(address payer, uint96 amount) external payable;

    /// As deposit, through Permit2: anyone may send it, the credit always goes to the signer `payer`.
    function depositWithPermit2(address payer, uint96 amount, uint256 nonce, uint256 deadline, bytes calldata signature)
        external;

    /// Asks for `amount` back. It can be taken after the withdraw delay; a new request replaces the old one.
    function requestWithdrawal(uint96 amount) external;

    function cancelWithdrawal() external;

    /// Pays what was requested, or what is left if less, to `to`.
    function withdraw(address to) external returns (uint96 paid);

    /// Lets `operator` charge the caller without signatures until `limit` is spent. A cut waits the withdraw delay.
    function setStandingLimit(address operator, uint96 limit) external;

    /// Puts a limit that the payer signed on the chain. The way for contract wallets (ERC-1271): here a wallet that
    /// reverts harms nobody, and a post never calls it.
    function acceptLimit(SpendingLimit calldata limit, bytes calldata signature) external;

    /// Lets `key` sign limits for the caller up to `cap` (cumulative) and until `validUntil`; both may only grow.
    function addSessionKey(address key, uint96 cap, uint64 validUntil) external;

    /// Ends a session key after the withdraw delay.
    function removeSessionKey(address key) external;

    function permit2() external view returns (address);
    function withdrawDelay() external view returns (uint64);
    function account(address payer) external view returns (uint96 deposited, uint96 spent, uint64 nextSeq);
    function withdrawal(address payer) external view returns (uint96 amount, uint64 readyAt);

    /// `current` counts before `effectiveAt`, `next` from then on.
    function standingLimit(address operator, address payer)
        external
        view
        returns (uint96 current, uint96 next, uint64 effectiveAt);
    function acceptedLimit(address operator, address payer) external view returns (uint96 limit, uint64 expiry);
    function sessionKey(address payer, address key) external view returns (uint96 cap, uint64 validUntil);

    /// The EIP-712 digest that a signer signs.
    function limitDigest(SpendingLimit calldata limit) external view returns (bytes32);
}

/// Payouts by cumulative Merkle root, each root open to dispute for a while.
interface IClaims {
    event Claimed(address indexed beneficiary, uint64 indexed seq, uint256 amount, uint256 cumulative);
    event DisputeOpened(
        uint64 indexed id, uint64 indexed firstSeq, address indexed disputer, bytes32 evidence, uint64 endsAt
    );
    event DisputeUpheld(uint64 indexed id, uint64 indexed voidFrom, uint64 lastGood, address disputer);
    event DisputeRejected(uint64 indexed id, uint64 indexed firstSeq, address disputer);
    event DisputeExpired(uint64 indexed id, uint64 indexed firstSeq, address disputer);
    event WoundDown(uint128 charged, uint128 payouts, uint128 refunds);
    event Refunded(address indexed payer, uint256 amount);

    error UnknownBatch(uint64 seq, bytes32 given, bytes32 posted);
    error ClaimTooEarly(uint64 seq, uint64 claimableAt, uint64 time);
    error BatchFrozen(uint64 seq, uint64 firstSeq, uint64 endsAt);
    error BatchVoid(uint64 seq, uint64 voidFrom);
    error PayoutNotInRoot(uint64 seq, address beneficiary, uint256 cumulative);
    error NothingToClaim(address beneficiary, uint256 cumulative, uint256 claimed);
    error ClaimsOverPayouts(uint64 seq, uint256 amount, uint256 left);
    error NotArbiter(address caller);
    error DisputeTooLate(uint64 seq, uint64 endedAt, uint64 time);
    error DisputeExists(uint64 id, uint64 firstSeq);
    error NoDispute();
    error DisputeOpen(uint64 id, uint64 endsAt);
    error VoidFromOutOfRange(uint64 voidFrom, uint64 firstSeq);
    error NotBefore(uint64 seq, uint64 voidFrom);
    error BondNotExact(uint256 received, uint256 expected);
    error NotAbandoned(uint64 abandonedAt, uint64 time);
    error WindDownDone();
    error NotWoundDown();
    error AlreadyRefunded(address payer);

    /// Pays `beneficiary` what its cumulative payout in `batch` exceeds its claims so far. Anyone may call.
    function claim(Batch calldata batch, address beneficiary, uint256 cumulative, bytes32[] calldata proof) external;

    /// As claim, for many beneficiaries. One that cannot be paid is owed the money and harms no other.
    function claimMany(Batch calldata batch, Payout[] calldata payouts) external;

    /// Freezes the payouts of `batch` and all later ones against a bond, while its dispute window is open.
    /// `evidence` is the hash of what the disputer shows to the arbiter.
    function openDispute(Batch calldata batch, bytes32 evidence) external payable;

    /// Arbiter: the payouts roots of `bad` and of the later batches of its epoch are void. `lastGood` is a usable
    /// batch before it whose payouts total is what counts from now; seq 0 stands for none.
    function upholdDispute(Batch calldata bad, Batch calldata lastGood) external;

    /// Arbiter: the roots are right; the bond goes to the operator for the delay.
    function rejectDispute() external;

    /// Anyone, after the resolve period: nobody decided; the bond goes back and the roots can be claimed.
    function expireDispute() external;

    /// Anyone, when no period was settled for the abandon delay: ends posting; what no payout covers goes back.
    function windDown() external;

    /// After a wind-down: books `payer`'s share of what no payout covers, by what it spent.
    function refund(address payer) external;

    function disputeWindow() external view returns (uint64);
    function resolvePeriod() external view returns (uint64);
    function abandonDelay() external view returns (uint64);
    function disputeBond() external view returns (uint96);
    function claimed(address beneficiary) external view returns (uint256);

    /// The open dispute; id 0 for none. A dispute past `endsAt` freezes nothing.
    function dispute() external view returns (uint64 id, uint64 firstSeq, uint64 endsAt, address disputer);

    /// Who won dispute `id`; address(0) if it was not upheld.
    function upheldDisputer(uint64 id) external view returns (address);

    /// First void sequence number of an epoch; 0 for none.
    function voidFrom(uint64 epoch) external view returns (uint64);
    function woundDown() external view returns (bool);

    /// keccak256(abi.encode(batch)); for 0 the domain separator.
    function batchHash(uint64 seq) external view returns (bytes32);

    function lastSeq() external view returns (uint64);
    function lastPeriodEnd() external view returns (uint64);

    /// Upheld disputes so far.
    function epoch() external view returns (uint64);

    /// `payouts`: payoutsTotal of the last batch, or of the last good one after an upheld dispute.
    function totals() external view returns (uint128 charged, uint128 claimed, uint128 payouts);
}

/// Charges payers per batch and keeps the hash of each batch.
interface ISettlement is IRoles, IEscrow, IClaims {
    event Charged(
        uint64 indexed seq, address indexed payer, uint64 firstSeq, uint64 count, uint96 delta, bytes32 subRoot
    );
    event Posted(uint64 indexed seq, bytes32 indexed batchHash, Batch batch);

    error NotOperator(address caller, address operator);
    error WrongSeq(uint64 seq, uint64 expected);
    error WrongPrevHash(bytes32 prevHash, bytes32 expected);
    error WrongDaHash(bytes32 daHash, bytes32 expected);
    error DaCommitmentSize(uint256 size, uint256 max);
    error BadPeriod(uint64 start, uint64 end, uint64 previousEnd, uint64 time);
    error TooManyDebits(uint256 count, uint256 max);
    error DebitRefused(uint256 index, address payer, Refusal refusal, uint256 wanted, uint256 allowed);
    error PayoutsFell(uint128 payoutsTotal, uint128 before);
    error PayoutsOverCharges(uint128 payoutsTotal, uint128 charged);

    /// Charges every debit, or none: the revert names the first refused one. Operator only, no external call.
    /// Debits ascend by payer, one each.
    function post(Post calldata p, bytes calldata daCommitment, Debit[] calldata debits) external;

    /// What post would say of each debit now; `wanted` and `allowed` as in DebitRefused.
    function checkDebits(Debit[] calldata debits)
        external
        view
        returns (Refusal[] memory refusals, uint256[] memory wanted, uint256[] memory allowed);

    function domainSeparator() external view returns (bytes32);
}
