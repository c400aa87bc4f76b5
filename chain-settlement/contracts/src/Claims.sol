// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Escrow} from "./Escrow.sol";
import {Hashing} from "./Hashing.sol";
import {IClaims} from "./ISettlement.sol";
import {Batch, Payout, Terms} from "./Types.sol";

/// Payouts. Roots are cumulative, so any usable batch pays a beneficiary's whole history, and the order of claims does
/// not matter. A batch can be claimed at the latest `disputeWindow + resolvePeriod` after its post, unless the arbiter
/// found it wrong: a dispute can only begin in the window of a batch at or before it, and ends by itself.
abstract contract Claims is Escrow, IClaims {
    struct Totals {
        uint128 charged;
        uint128 claimed; // at most payouts
    }

    struct Head {
        uint64 lastSeq;
        uint64 lastPeriodEnd;
        uint128 payouts; // payoutsTotal of the last usable batch, at most charged
    }

    struct Life {
        uint64 lastPostedAt; // the deployment before the first post
        uint64 epoch; // upheld disputes so far
        bool woundDown;
    }

    struct Dispute {
        uint64 id;
        uint64 firstSeq;
        uint64 endsAt; // the last second of it
        address disputer; // zero: none is open
    }

    uint64 private constant DISPUTE_WINDOW_MIN = 1 minutes;
    uint64 private constant DISPUTE_WINDOW_MAX = 10 days; // data is kept for 14
    uint64 private constant RESOLVE_PERIOD_MIN = 1 minutes;
    uint64 private constant RESOLVE_PERIOD_MAX = 30 days;
    uint64 private constant ABANDON_DELAY_MIN = 45 days; // above the longest window and resolve period together
    uint64 private constant ABANDON_DELAY_MAX = 730 days;

    uint64 private immutable _disputeWindow;
    uint64 private immutable _resolvePeriod;
    uint64 private immutable _abandonDelay;
    uint96 private immutable _disputeBond;

    Totals private _totals;
    Head private _head;
    Life private _life;
    Dispute private _dispute;
    uint64 private _disputes;
    mapping(uint64 seq => bytes32) private _batchHashes;
    mapping(address beneficiary => uint256) private _claimed;
    mapping(uint64 id => address) private _upheldDisputers;
    mapping(uint64 epoch => uint64 seq) private _voidFrom;
    mapping(address payer => bool) private _refunded;

    constructor(Terms memory terms) Escrow(terms) {
        _requireInRange("disputeWindow", terms.disputeWindow, DISPUTE_WINDOW_MIN, DISPUTE_WINDOW_MAX);
        _requireInRange("resolvePeriod", terms.resolvePeriod, RESOLVE_PERIOD_MIN, RESOLVE_PERIOD_MAX);
        _requireInRange("abandonDelay", terms.abandonDelay, ABANDON_DELAY_MIN, ABANDON_DELAY_MAX);
        _disputeWindow = terms.disputeWindow;
        _resolvePeriod = terms.resolvePeriod;
        _abandonDelay = terms.abandonDelay;
        _disputeBond = terms.disputeBond;
        _life.lastPostedAt = _now();
        _batchHashes[0] = _domainSeparatorV4();
    }

    // Claims

    function claim(Batch calldata batch, address beneficiary, uint256 cumulative, bytes32[] calldata proof)
        external
        nonReentrant
    {
        _requireClaimable(batch);
        _claim(batch, beneficiary, cumulative, proof);
    }

    function claimMany(Batch calldata batch, Payout[] calldata payouts) external nonReentrant {
        _requireClaimable(batch);
        for (uint256 i = 0; i < payouts.length; ++i) {
            _claim(batch, payouts[i].beneficiary, payouts[i].cumulative, payouts[i].proof);
        }
    }

    function _claim(Batch calldata batch, address beneficiary, uint256 cumulative, bytes32[] calldata proof) private {
        if (!MerkleProof.verifyCalldata(proof, batch.payoutsRoot, Hashing.payoutLeaf(beneficiary, cumulative))) {
            revert PayoutNotInRoot(batch.seq, beneficiary, cumulative);
        }
        uint256 before = _claimed[beneficiary];
        if (cumulative <= before) {
            revert NothingToClaim(beneficiary, cumulative, before);
        }
        uint256 amount = cumulative - before;
        uint128 payouts = _head.payouts < batch.payoutsTotal ? _head.payouts : batch.payoutsTotal;
        uint128 left = payouts > _totals.claimed ? payouts - _totals.claimed : 0;
        if (amount > left) {
            revert ClaimsOverPayouts(batch.seq, amount, left);
        }
        _claimed[beneficiary] = cumulative;
        // forge-lint: disable-next-line(unsafe-typecast)
        _totals.claimed += uint128(amount); // at most left, a uint128
        _pushOrOwe(beneficiary, amount);
        emit Claimed(beneficiary, batch.seq, amount, cumulative);
    }

    function _requireClaimable(Batch calldata batch) private view {
        _requireUsable(batch);
        uint64 claimableAt = batch.postedAt + _disputeWindow;
        if (block.timestamp < claimableAt) {
            revert ClaimTooEarly(batch.seq, claimableAt, _now());
        }
        Dispute memory d = _dispute;
        if (_isOpen(d) && batch.seq >= d.firstSeq) {
            revert BatchFrozen(batch.seq, d.firstSeq, d.endsAt);
        }
    }

    function _requirePosted(Batch calldata batch) private view {
        bytes32 given = Hashing.batchHash(batch);
        bytes32 posted = _batchHashes[batch.seq];
        if (given != posted) {
            revert UnknownBatch(batch.seq, given, posted);
        }
    }

    /// Posted, and not found wrong.
    function _requireUsable(Batch calldata batch) private view {
        _requirePosted(batch);
        uint64 from = _voidFrom[batch.epoch];
        if (from != 0 && batch.seq >= from) {
            revert BatchVoid(batch.seq, from);
        }
    }

    // Disputes

    function openDispute(Batch calldata batch, bytes32 evidence) external payable nonReentrant {
        _requireUsable(batch);
        uint64 windowEnd = batch.postedAt + _disputeWindow;
        if (block.timestamp >= windowEnd) {
            revert DisputeTooLate(batch.seq, windowEnd, _now());
        }
        Dispute memory d = _dispute;
        uint64 endsAt = _now() + _resolvePeriod;
        if (_isOpen(d)) {
            if (batch.seq >= d.firstSeq) {
                revert DisputeExists(d.id, d.firstSeq);
            }
            endsAt = d.endsAt; // an earlier batch widens the dispute, it does not lengthen it
        }
        if (d.disputer != address(0)) {
            _closeDispute(d.disputer);
            emit DisputeExpired(d.id, d.firstSeq, d.disputer);
        }
        uint256 received = _pull(_disputeBond);
        if (received != _disputeBond) {
            revert BondNotExact(received, _disputeBond);
        }
        _dispute = Dispute(++_disputes, batch.seq, endsAt, msg.sender);
        emit DisputeOpened(_disputes, batch.seq, msg.sender, evidence, endsAt);
    }

    function upholdDispute(Batch calldata bad, Batch calldata lastGood) external {
        Dispute memory d = _requireDecidable();
        _requireUsable(bad);
        if (bad.seq < d.firstSeq) {
            revert VoidFromOutOfRange(bad.seq, d.firstSeq);
        }
        uint128 payouts = 0;
        if (lastGood.seq != 0) {
            _requireUsable(lastGood);
            if (lastGood.seq >= bad.seq) {
                revert NotBefore(lastGood.seq, bad.seq);
            }
            payouts = lastGood.payoutsTotal;
        }
        _voidFrom[bad.epoch] = bad.seq;
        if (bad.epoch == _life.epoch) {
            ++_life.epoch;
            _head.payouts = payouts < _totals.claimed ? _totals.claimed : payouts;
        }
        _upheldDisputers[d.id] = d.disputer;
        _closeDispute(d.disputer);
        emit DisputeUpheld(d.id, bad.seq, lastGood.seq, d.disputer);
    }

    function rejectDispute() external {
        Dispute memory d = _requireDecidable();
        _closeDispute(operator());
        emit DisputeRejected(d.id, d.firstSeq, d.disputer);
    }

    function expireDispute() external {
        Dispute memory d = _dispute;
        if (d.disputer == address(0)) {
            revert NoDispute();
        }
        if (_isOpen(d)) {
            revert DisputeOpen(d.id, d.endsAt);
        }
        _closeDispute(d.disputer);
        emit DisputeExpired(d.id, d.firstSeq, d.disputer);
    }

    function _requireDecidable() private view returns (Dispute memory d) {
        if (msg.sender != arbiter()) {
            revert NotArbiter(msg.sender);
        }
        d = _dispute;
        if (!_isOpen(d)) {
            revert NoDispute();
        }
    }

    function _isOpen(Dispute memory d) private view returns (bool) {
        return d.disputer != address(0) && block.timestamp <= d.endsAt;
    }

    function _closeDispute(address bondTo) private {
        delete _dispute;
        if (_disputeBond != 0) {
            _owe(bondTo, _disputeBond);
        }
    }

    // The end

    function windDown() external {
        if (_life.woundDown) {
            revert WindDownDone();
        }
        uint64 abandonedAt = _life.lastPostedAt + _abandonDelay;
        if (block.timestamp < abandonedAt) {
            revert NotAbandoned(abandonedAt, _now());
        }
        _life.woundDown = true;
        emit WoundDown(_totals.charged, _head.payouts, _totals.charged - _head.payouts);
    }

    function refund(address payer) external {
        if (!_life.woundDown) {
            revert NotWoundDown();
        }
        if (_refunded[payer]) {
            revert AlreadyRefunded(payer);
        }
        _refunded[payer] = true;
        uint256 amount =
            _totals.charged == 0 ? 0 : uint256(_totals.charged - _head.payouts) * _spent(payer) / _totals.charged;
        _owe(payer, amount);
        emit Refunded(payer, amount);
    }

    // For the settlement

    function _batchHash(uint64 seq) internal view returns (bytes32) {
        return _batchHashes[seq];
    }

    function _headNow() internal view returns (Head memory) {
        return _head;
    }

    function _chargedNow() internal view returns (uint128) {
        return _totals.charged;
    }

    function _append(Batch memory batch, uint128 chargedTotal) internal returns (bytes32 hash) {
        hash = Hashing.batchHash(batch);
        _batchHashes[batch.seq] = hash;
        _head = Head(batch.seq, batch.periodEnd, batch.payoutsTotal);
        _totals.charged = chargedTotal;
        _life.lastPostedAt = _now();
    }

    /// The epoch of a batch posted now.
    function _requireEpoch() internal view returns (uint64) {
        if (_life.woundDown) {
            revert WindDownDone();
        }
        return _life.epoch;
    }

    // Views

    function disputeWindow() external view returns (uint64) {
        return _disputeWindow;
    }

    function resolvePeriod() external view returns (uint64) {
        return _resolvePeriod;
    }

    function abandonDelay() external view returns (uint64) {
        return _abandonDelay;
    }

    function disputeBond() external view returns (uint96) {
        return _disputeBond;
    }

    function claimed(address beneficiary) external view returns (uint256) {
        return _claimed[beneficiary];
    }

    function dispute() external view returns (uint64 id, uint64 firstSeq, uint64 endsAt, address disputer) {
        Dispute memory d = _dispute;
        return (d.id, d.firstSeq, d.endsAt, d.disputer);
    }

    function upheldDisputer(uint64 id) external view returns (address) {
        return _upheldDisputers[id];
    }

    function voidFrom(uint64 epoch_) external view returns (uint64) {
        return _voidFrom[epoch_];
    }

    function woundDown() external view returns (bool) {
        return _life.woundDown;
    }

    function batchHash(uint64 seq) external view returns (bytes32) {
        return _batchHashes[seq];
    }

    function epoch() external view returns (uint64) {
        return _life.epoch;
    }

    function lastSeq() external view returns (uint64) {
        return _head.lastSeq;
    }

    function lastPeriodEnd() external view returns (uint64) {
        return _head.lastPeriodEnd;
    }

    function totals() external view returns (uint128 charged, uint128 claimed_, uint128 payouts) {
        return (_totals.charged, _totals.claimed, _head.payouts);
    }
}
