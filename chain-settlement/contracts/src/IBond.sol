// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IVault} from "./ISettlement.sol";
import {Batch, ChargedDebit, Receipt} from "./Types.sol";

/// Stake behind an operator: earns a share of the fees, is slashed for faults that the chain can check.
/// Amounts in the smallest unit of the settlement's asset, times in unix seconds.
interface IBond is IVault {
    /// One side of a pair in the Merkle-sum tree.
    struct Sum {
        bytes32 hash;
        uint256 sum;
    }

    /// A node of the Merkle-sum tree, opened, and the child to go on with.
    struct Opening {
        Sum left;
        Sum right;
        bool goRight;
    }

    /// Where a debit stands in the receipts root: siblings from the leaf up; bit i of `path` set: sibling i is left.
    struct DebitProof {
        Batch batch;
        ChargedDebit debit;
        bytes32[] siblings;
        uint256 path;
    }

    /// Where a receipt stands in its debit's tree: siblings from the leaf up.
    struct Inclusion {
        DebitProof charged;
        uint64 index; // 0 .. count - 1
        Sum[] siblings;
    }

    struct Staker {
        uint256 shares; // earning
        uint256 unbonding; // shares that wait to leave
        uint64 readyAt; // unix seconds
        uint256 perShare; // the accumulator when this staker was last brought up to date
        uint256 reward;
    }

    enum Fault {
        ConflictingReceipts,
        DoubleCharge,
        WrongSum,
        WrongPrice,
        WrongPayer,
        UpheldDispute
    }

    event Staked(address indexed staker, uint256 amount, uint256 shares);
    event UnbondRequested(address indexed staker, uint256 shares, uint64 readyAt);
    event UnbondCancelled(address indexed staker);
    event Unbonded(address indexed staker, address indexed to, uint256 amount, uint256 shares);
    event Rewarded(uint256 amount, uint256 perShare);
    event RewardPaid(address indexed staker, address indexed to, uint256 amount);
    event Slashed(
        Fault indexed fault, bytes32 indexed faultId, address indexed reporter, uint256 amount, uint256 reward
    );

    error ShareOutOfRange(bytes32 field, uint256 value, uint256 max);
    error UnbondingTooShort(uint64 delay, uint64 min);
    error StakeTooSmall(uint256 amount, uint256 min);
    error NotEnoughShares(address staker, uint256 shares, uint256 held);
    error NoUnbonding(address staker);
    error UnbondTooEarly(address staker, uint64 readyAt, uint64 time);
    error UnbondFrozen(address staker, uint64 until);
    error NoReward(address staker);
    error AlreadySlashed(bytes32 faultId);
    error UnknownBatch(uint64 seq, bytes32 given, bytes32 posted);
    error NotLiable(address signer, uint64 until);
    error SameReceipt(bytes32 receiptHash);
    error DifferentRequests(bytes32 a, bytes32 b);
    error SignersDiffer(address a, address b);
    error SamePosition(address payer, uint64 seq);
    error NotInBatch(uint64 seq, bytes32 root, bytes32 receiptsRoot);
    error IndexOutOfRange(uint64 index, uint64 count);
    error ProofTooLong(uint256 siblings, uint256 used);
    error NotInTree(bytes32 root, uint256 sum, bytes32 subRoot, uint256 delta);
    error NotAnOpening(bytes32 given, bytes32 node);
    error NotANode(uint64 count);
    error NotALeaf(uint64 count);
    error NoOpening();
    error SumsAgree(uint256 sum);
    error LeafAgrees(uint64 seq, uint96 amount);
    error PriceAgrees(uint256 amount);
    error PayerAgrees(address payer);
    error NotUpheld(uint64 id);

    /// Stakes for the caller. The shares stand for a part of the pool.
    function stake(uint256 amount) external payable returns (uint256 shares);

    /// Asks for `shares` back; until they are taken they earn nothing new and can still be slashed.
    function requestUnbond(uint256 shares) external;

    function cancelUnbond() external;

    /// Pays the requested shares' part of the pool after the unbonding delay.
    function unbond(address to) external returns (uint256 amount);

    /// Pays the caller's fees so far.
    function takeReward(address to) external returns (uint256 amount);

    /// Shares out what came in since the last call. Anyone may call; every change of shares does.
    function distribute() external;

    /// Two different receipts for one request, both signed by one operator key.
    function slashConflictingReceipts(
        Receipt calldata a,
        bytes calldata signatureA,
        Receipt calldata b,
        bytes calldata signatureB
    ) external;

    /// One request charged at two positions.
    function slashDoubleCharge(Receipt calldata a, Inclusion calldata inA, Receipt calldata b, Inclusion calldata inB)
        external;

    /// A receipts tree whose sum is not what the debit took: opened from the root down to where it breaks.
    function slashWrongSum(DebitProof calldata charged, Opening[] calldata openings) external;

    /// As above where the tree breaks at a leaf: the stated leaf is not (its position, its hash, its sum).
    function slashWrongLeaf(
        DebitProof calldata charged,
        Opening[] calldata openings,
        uint64 seq,
        bytes32 receiptHash,
        uint96 amount
    ) external;

    /// A charged receipt whose amount is not what its price asks, or whose price did not exist at its time.
    function slashWrongPrice(Receipt calldata receipt, Inclusion calldata inclusion) external;

    /// A charged receipt that names another payer.
    function slashWrongPayer(Receipt calldata receipt, Inclusion calldata inclusion) external;

    /// A dispute that the arbiter upheld.
    function slashUpheldDispute(uint64 id) external;

    /// The EIP-712 struct hash of a receipt.
    function receiptHash(Receipt calldata receipt) external pure returns (bytes32);

    /// What the operator signs: the receipt under the settlement's domain.
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);

    /// Reverts with what is wrong unless the receipt was charged where `inclusion` says.
    function requireCharged(Receipt calldata receipt, Inclusion calldata inclusion) external view;

    function settlement() external view returns (address);
    function prices() external view returns (address);
    function treasury() external view returns (address);
    function unbondingDelay() external view returns (uint64);
    function slashBps() external view returns (uint16);
    function reporterBps() external view returns (uint16);
    /// `shares` counts those that wait to leave, `earning` does not.
    function pool() external view returns (uint256 assets, uint256 shares, uint256 earning);

    /// `reward` is what was shared out up to the staker's last call; `perShare` is the accumulator then.
    function staker(address who) external view returns (Staker memory);
    function slashed(bytes32 faultId) external view returns (bool);
}
