// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Claims} from "./Claims.sol";
import {Hashing} from "./Hashing.sol";
import {ISettlement} from "./ISettlement.sol";
import {Batch, Debit, Post, Refusal, Terms} from "./Types.sol";

/// Escrow, settlement and claims of one operator in one asset. Immutable: a new version is a new address, and payers
/// withdraw from this one. The receipts root is computed here from the debits, so money and root cannot disagree.
/// A post calls no other contract, so no payer can make it fail: what it reads changes only by the escrow's delays.
contract Settlement is Claims, ISettlement {
    uint256 public constant DEBITS_MAX = 500;
    uint256 public constant DA_COMMITMENT_MAX = 16 * 1024; // bytes

    constructor(Terms memory terms) Claims(terms) {}

    function post(Post calldata p, bytes calldata daCommitment, Debit[] calldata debits) external {
        uint64 epoch_ = _requireEpoch();
        address operator_ = operator();
        if (msg.sender != operator_) {
            revert NotOperator(msg.sender, operator_);
        }
        Head memory head = _headNow();
        _requireNext(p, head);
        _requireCommitment(p.daHash, daCommitment);

        (bytes32 receiptsRoot, uint128 charged) = _chargeAll(p.seq, debits, operator_);
        uint128 chargedTotal = _chargedNow() + charged;
        if (p.payoutsTotal < head.payouts) {
            revert PayoutsFell(p.payoutsTotal, head.payouts);
        }
        if (p.payoutsTotal > chargedTotal) {
            revert PayoutsOverCharges(p.payoutsTotal, chargedTotal);
        }
        Batch memory batch = Batch({
            seq: p.seq,
            prevHash: p.prevHash,
            receiptsRoot: receiptsRoot,
            payoutsRoot: p.payoutsRoot,
            charged: charged,
            payoutsTotal: p.payoutsTotal,
            periodStart: p.periodStart,
            periodEnd: p.periodEnd,
            daHash: p.daHash,
            postedAt: _now(),
            epoch: epoch_
        });
        emit Posted(p.seq, _append(batch, chargedTotal), batch);
    }

    function _requireNext(Post calldata p, Head memory head) private view {
        if (p.seq != head.lastSeq + 1) {
            revert WrongSeq(p.seq, head.lastSeq + 1);
        }
        bytes32 prevHash = _batchHash(head.lastSeq);
        if (p.prevHash != prevHash) {
            revert WrongPrevHash(p.prevHash, prevHash);
        }
        if (p.periodStart < head.lastPeriodEnd || p.periodEnd < p.periodStart || p.periodEnd > block.timestamp) {
            revert BadPeriod(p.periodStart, p.periodEnd, head.lastPeriodEnd, _now());
        }
    }

    function _requireCommitment(bytes32 daHash, bytes calldata daCommitment) private pure {
        if (daCommitment.length > DA_COMMITMENT_MAX) {
            revert DaCommitmentSize(daCommitment.length, DA_COMMITMENT_MAX);
        }
        bytes32 expected = keccak256(daCommitment);
        if (daHash != expected) {
            revert WrongDaHash(daHash, expected);
        }
    }

    function _chargeAll(uint64 seq, Debit[] calldata debits, address operator_)
        private
        returns (bytes32 receiptsRoot, uint128 charged)
    {
        uint256 n = debits.length;
        if (n > DEBITS_MAX) {
            revert TooManyDebits(n, DEBITS_MAX);
        }
        bytes32[] memory leaves = new bytes32[](n);
        address previous = address(0);
        for (uint256 i = 0; i < n; ++i) {
            Debit calldata d = debits[i];
            (Refusal refusal, uint256 wanted, uint256 allowed) = _check(d, previous, operator_);
            if (refusal != Refusal.None) {
                revert DebitRefused(i, d.payer, refusal, wanted, allowed);
            }
            leaves[i] = _chargeOne(seq, d);
            charged += d.amounts.delta();
            previous = d.payer;
        }
        receiptsRoot = Hashing.debitRoot(leaves);
    }

    /// Returns the debit's leaf.
    function _chargeOne(uint64 seq, Debit calldata d) private returns (bytes32) {
        uint96 delta = d.amounts.delta();
        uint64 firstSeq = _charge(d);
        emit Charged(seq, d.payer, firstSeq, d.count, delta, d.subRoot);
        return Hashing.debitLeaf(d.payer, firstSeq, d.count, delta, d.subRoot);
    }

    function _check(Debit calldata d, address previous, address operator_)
        private
        view
        returns (Refusal refusal, uint256 wanted, uint256 allowed)
    {
        if (d.payer <= previous) {
            return (Refusal.OutOfOrder, uint160(d.payer), uint160(previous));
        }
        return _refusal(d, operator_);
    }

    function checkDebits(Debit[] calldata debits)
        external
        view
        returns (Refusal[] memory refusals, uint256[] memory wanted, uint256[] memory allowed)
    {
        uint256 n = debits.length;
        refusals = new Refusal[](n);
        wanted = new uint256[](n);
        allowed = new uint256[](n);
        address previous = address(0);
        for (uint256 i = 0; i < n; ++i) {
            (refusals[i], wanted[i], allowed[i]) = _check(debits[i], previous, operator());
            previous = debits[i].payer;
        }
    }

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
}
