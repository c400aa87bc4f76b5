// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Hashing} from "./Hashing.sol";
import {IBond} from "./IBond.sol";
import {IPrices} from "./IPrices.sol";
import {ISettlement} from "./ISettlement.sol";
import {ReceiptTree} from "./ReceiptTree.sol";
import {ChargedDebit, Receipt} from "./Types.sol";
import {Vault} from "./Vault.sol";

/// One pool of stake behind one settlement's operator. Shares stand for parts of the pool: a slash takes from all of
/// them at once, those that wait to leave as well. Fees come in by claims for this contract's address and are shared
/// among the earning shares by an accumulator. A charge over the limit is no fault here: the settlement refuses it.
contract Bond is Vault, IBond {
    using ReceiptTree for ReceiptTree.Place;

    uint256 private constant BPS = 10_000;
    uint256 private constant PER_SHARE_ONE = 1e27;
    uint256 private constant STAKE_MIN = 1e6; // keeps the accumulator's rounding far below one unit per staker
    uint16 private constant SLASH_BPS_MAX = 5000; // a slash never empties the pool
    uint16 private constant REPORTER_BPS_MAX = 5000;

    ISettlement private immutable _settlement;
    IPrices private immutable _prices;
    address private immutable _treasury;
    uint64 private immutable _unbondingDelay;
    uint64 private immutable _freezeMax;
    uint16 private immutable _slashBps;
    uint16 private immutable _reporterBps;

    uint256 private _assets;
    uint256 private _shares; // earning and unbonding
    uint256 private _earning;
    uint256 private _perShare; // fees per earning share since the beginning, times PER_SHARE_ONE
    uint256 private _rewards; // shared out, not yet taken
    mapping(address who => Staker) private _stakers;
    mapping(bytes32 faultId => bool) private _slashed;

    constructor(
        ISettlement settlement_,
        IPrices prices_,
        address treasury_,
        uint64 unbondingDelay_,
        uint16 slashBps_,
        uint16 reporterBps_
    ) Vault(settlement_.asset()) {
        if (treasury_ == address(0)) {
            revert ZeroAddress("treasury");
        }
        if (slashBps_ > SLASH_BPS_MAX) {
            revert ShareOutOfRange("slashBps", slashBps_, SLASH_BPS_MAX);
        }
        if (reporterBps_ > REPORTER_BPS_MAX) {
            revert ShareOutOfRange("reporterBps", reporterBps_, REPORTER_BPS_MAX);
        }
        uint64 unbondingMin = settlement_.disputeWindow() + settlement_.resolvePeriod();
        if (unbondingDelay_ < unbondingMin) {
            revert UnbondingTooShort(unbondingDelay_, unbondingMin);
        }
        _settlement = settlement_;
        _prices = prices_;
        _treasury = treasury_;
        _unbondingDelay = unbondingDelay_;
        _freezeMax = settlement_.resolvePeriod();
        _slashBps = slashBps_;
        _reporterBps = reporterBps_;
    }

    /// Fees in the native coin.
    receive() external payable {}

    // Stake

    function stake(uint256 amount) external payable nonReentrant returns (uint256 shares) {
        Staker storage s = _upToDate(msg.sender, msg.value);
        uint256 received = _pull(amount);
        if (received < STAKE_MIN) {
            revert StakeTooSmall(received, STAKE_MIN);
        }
        shares = _shares == 0 ? received : Math.mulDiv(received, _shares, _assets);
        _assets += received;
        _shares += shares;
        _earning += shares;
        s.shares += shares;
        emit Staked(msg.sender, received, shares);
    }

    function requestUnbond(uint256 shares) external nonReentrant {
        if (shares == 0) {
            revert ZeroAmount();
        }
        Staker storage s = _upToDate(msg.sender, 0);
        if (shares > s.shares) {
            revert NotEnoughShares(msg.sender, shares, s.shares);
        }
        s.shares -= shares;
        s.unbonding += shares;
        s.readyAt = uint64(block.timestamp) + _unbondingDelay;
        _earning -= shares;
        emit UnbondRequested(msg.sender, s.unbonding, s.readyAt);
    }

    function cancelUnbond() external nonReentrant {
        Staker storage s = _upToDate(msg.sender, 0);
        uint256 shares = s.unbonding;
        if (shares == 0) {
            revert NoUnbonding(msg.sender);
        }
        s.unbonding = 0;
        s.shares += shares;
        _earning += shares;
        emit UnbondCancelled(msg.sender);
    }

    function unbond(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) {
            revert ZeroAddress("to");
        }
        Staker storage s = _stakers[msg.sender];
        uint256 shares = s.unbonding;
        if (shares == 0) {
            revert NoUnbonding(msg.sender);
        }
        if (block.timestamp < s.readyAt) {
            revert UnbondTooEarly(msg.sender, s.readyAt, uint64(block.timestamp));
        }
        _requireNotFrozen(s.readyAt);
        amount = Math.mulDiv(shares, _assets, _shares);
        s.unbonding = 0;
        _shares -= shares;
        _assets -= amount;
        _push(to, amount);
        emit Unbonded(msg.sender, to, amount, shares);
    }

    /// An open dispute holds stake back, but no longer than one resolve period: disputes in a row hold nobody for ever.
    function _requireNotFrozen(uint64 readyAt) private view {
        (,, uint64 endsAt, address disputer) = _settlement.dispute();
        uint64 longest = readyAt + _freezeMax;
        uint64 until = endsAt < longest ? endsAt : longest;
        if (disputer != address(0) && block.timestamp <= until) {
            revert UnbondFrozen(msg.sender, until);
        }
    }

    // Fees

    function distribute() external nonReentrant {
        _distribute(0);
    }

    function takeReward(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) {
            revert ZeroAddress("to");
        }
        Staker storage s = _upToDate(msg.sender, 0);
        amount = s.reward;
        if (amount == 0) {
            revert NoReward(msg.sender);
        }
        s.reward = 0;
        _rewards -= amount;
        _push(to, amount);
        emit RewardPaid(msg.sender, to, amount);
    }

    /// What the contract holds beyond what it accounts for is fees. `incoming` came with this call and is none.
    function _distribute(uint256 incoming) private {
        uint256 fees = _balance() - incoming - _assets - _rewards - owedTotal();
        if (fees == 0) {
            return;
        }
        if (_earning == 0) {
            _owe(_treasury, fees);
            return;
        }
        _rewards += fees;
        _perShare += Math.mulDiv(fees, PER_SHARE_ONE, _earning);
        emit Rewarded(fees, _perShare);
    }

    function _upToDate(address who, uint256 incoming) private returns (Staker storage s) {
        _distribute(incoming);
        s = _stakers[who];
        s.reward += Math.mulDiv(s.shares, _perShare - s.perShare, PER_SHARE_ONE);
        s.perShare = _perShare;
    }

    // Faults

    function slashConflictingReceipts(
        Receipt calldata a,
        bytes calldata signatureA,
        Receipt calldata b,
        bytes calldata signatureB
    ) external nonReentrant {
        if (a.requestId != b.requestId) {
            revert DifferentRequests(a.requestId, b.requestId);
        }
        if (Hashing.receiptHash(a) == Hashing.receiptHash(b)) {
            revert SameReceipt(Hashing.receiptHash(a));
        }
        address signer = ECDSA.recoverCalldata(receiptDigest(a), signatureA);
        address signerB = ECDSA.recoverCalldata(receiptDigest(b), signatureB);
        if (signer != signerB) {
            revert SignersDiffer(signer, signerB);
        }
        _requireLiable(signer);
        // Once per key: who steals a key must not be able to drain the pool with it, pair by pair.
        _slash(Fault.ConflictingReceipts, keccak256(abi.encode(Fault.ConflictingReceipts, signer)));
    }

    function slashDoubleCharge(Receipt calldata a, Inclusion calldata inA, Receipt calldata b, Inclusion calldata inB)
        external
        nonReentrant
    {
        if (a.requestId != b.requestId) {
            revert DifferentRequests(a.requestId, b.requestId);
        }
        uint64 seqA = inA.charged.debit.firstSeq + inA.index;
        uint64 seqB = inB.charged.debit.firstSeq + inB.index;
        if (inA.charged.debit.payer == inB.charged.debit.payer && seqA == seqB) {
            revert SamePosition(inA.charged.debit.payer, seqA);
        }
        requireCharged(a, inA);
        requireCharged(b, inB);
        uint64 later = inA.charged.batch.seq > inB.charged.batch.seq ? inA.charged.batch.seq : inB.charged.batch.seq;
        _slashBatch(Fault.DoubleCharge, later);
    }

    function slashWrongSum(DebitProof calldata charged, Opening[] calldata openings) external nonReentrant {
        if (openings.length == 0) {
            revert NoOpening();
        }
        ReceiptTree.Place memory place = _descend(charged, openings, openings.length - 1);
        Opening calldata last = openings[openings.length - 1];
        place.requireOpens(last);
        // No addition: a made-up sum must not be able to overflow its way out.
        if (last.left.sum <= place.sum && place.sum - last.left.sum == last.right.sum) {
            revert SumsAgree(place.sum);
        }
        _slashBatch(Fault.WrongSum, charged.batch.seq);
    }

    function slashWrongLeaf(
        DebitProof calldata charged,
        Opening[] calldata openings,
        uint64 seq,
        bytes32 receiptHash_,
        uint96 amount
    ) external nonReentrant {
        ReceiptTree.Place memory place = _descend(charged, openings, openings.length);
        if (place.count != 1) {
            revert NotALeaf(place.count);
        }
        bytes32 leaf = Hashing.receiptLeaf(seq, receiptHash_, amount);
        if (leaf != place.hash) {
            revert NotAnOpening(leaf, place.hash);
        }
        if (seq == place.firstSeq && amount == place.sum) {
            revert LeafAgrees(seq, amount);
        }
        _slashBatch(Fault.WrongSum, charged.batch.seq);
    }

    function slashWrongPrice(Receipt calldata receipt, Inclusion calldata inclusion) external nonReentrant {
        requireCharged(receipt, inclusion);
        (bool known, uint256 amount) = _prices.amountOf(receipt);
        if (known && amount == receipt.amount) {
            revert PriceAgrees(amount);
        }
        _slashBatch(Fault.WrongPrice, inclusion.charged.batch.seq);
    }

    function slashWrongPayer(Receipt calldata receipt, Inclusion calldata inclusion) external nonReentrant {
        requireCharged(receipt, inclusion);
        if (receipt.payer == inclusion.charged.debit.payer) {
            revert PayerAgrees(receipt.payer);
        }
        _slashBatch(Fault.WrongPayer, inclusion.charged.batch.seq);
    }

    function slashUpheldDispute(uint64 id) external nonReentrant {
        address disputer = _settlement.upheldDisputer(id);
        if (disputer == address(0)) {
            revert NotUpheld(id);
        }
        _slashFor(Fault.UpheldDispute, keccak256(abi.encode(Fault.UpheldDispute, id)), disputer);
    }

    /// One slash per kind of fault and batch: one mistake in a thousand receipts is one fault.
    function _slashBatch(Fault fault, uint64 seq) private {
        _slash(fault, keccak256(abi.encode(fault, seq)));
    }

    function _slash(Fault fault, bytes32 faultId) private {
        _slashFor(fault, faultId, msg.sender);
    }

    function _slashFor(Fault fault, bytes32 faultId, address reporter) private {
        if (_slashed[faultId]) {
            revert AlreadySlashed(faultId);
        }
        _slashed[faultId] = true;
        uint256 amount = _assets * _slashBps / BPS;
        uint256 reward = amount * _reporterBps / BPS;
        _assets -= amount;
        _owe(reporter, reward);
        _owe(_treasury, amount - reward);
        emit Slashed(fault, faultId, reporter, amount, reward);
    }

    function _requireLiable(address signer) private view {
        uint64 until = _settlement.operatorUntil(signer);
        bool current = until == type(uint64).max;
        if (until == 0 || (!current && block.timestamp > until + _unbondingDelay)) {
            revert NotLiable(signer, until);
        }
    }

    /// The place that the first `steps` openings lead to.
    function _descend(DebitProof calldata charged, Opening[] calldata openings, uint256 steps)
        private
        view
        returns (ReceiptTree.Place memory place)
    {
        _requireDebit(charged);
        place = ReceiptTree.root(charged.debit);
        for (uint256 i = 0; i < steps; ++i) {
            place = place.child(openings[i]);
        }
    }

    function _requireDebit(DebitProof calldata charged) private view {
        uint64 seq = charged.batch.seq;
        bytes32 given = Hashing.batchHash(charged.batch);
        bytes32 posted = _settlement.batchHash(seq);
        if (given != posted) {
            revert UnknownBatch(seq, given, posted);
        }
        bytes32 root = Hashing.debitRootAbove(Hashing.debitLeaf(charged.debit), charged.siblings, charged.path);
        if (root != charged.batch.receiptsRoot) {
            revert NotInBatch(seq, root, charged.batch.receiptsRoot);
        }
    }

    function requireCharged(Receipt calldata receipt, Inclusion calldata inclusion) public view {
        _requireDebit(inclusion.charged);
        ChargedDebit calldata debit = inclusion.charged.debit;
        bytes32 leaf =
            Hashing.receiptLeaf(debit.firstSeq + inclusion.index, Hashing.receiptHash(receipt), receipt.amount);
        (bytes32 root, uint256 sum) =
            ReceiptTree.rootAbove(leaf, receipt.amount, inclusion.index, debit.count, inclusion.siblings);
        if (root != debit.subRoot || sum != debit.delta) {
            revert NotInTree(root, sum, debit.subRoot, debit.delta);
        }
    }

    // Views

    function receiptHash(Receipt calldata receipt) external pure returns (bytes32) {
        return Hashing.receiptHash(receipt);
    }

    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(_settlement.domainSeparator(), Hashing.receiptHash(receipt));
    }

    function settlement() external view returns (address) {
        return address(_settlement);
    }

    function prices() external view returns (address) {
        return address(_prices);
    }

    function treasury() external view returns (address) {
        return _treasury;
    }

    function unbondingDelay() external view returns (uint64) {
        return _unbondingDelay;
    }

    function slashBps() external view returns (uint16) {
        return _slashBps;
    }

    function reporterBps() external view returns (uint16) {
        return _reporterBps;
    }

    function pool() external view returns (uint256 assets, uint256 shares, uint256 earning) {
        return (_assets, _shares, _earning);
    }

    function staker(address who) external view returns (Staker memory) {
        return _stakers[who];
    }

    function slashed(bytes32 faultId) external view returns (bool) {
        return _slashed[faultId];
    }
}
