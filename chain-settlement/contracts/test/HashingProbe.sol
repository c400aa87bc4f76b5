// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {Batch, ChargedDebit, Receipt, SpendingLimit} from "../src/Types.sol";

/// Shows Hashing's results, many at a time, so that another implementation can be compared with it.
contract HashingProbe {
    struct ReceiptLeaf {
        uint64 seq;
        bytes32 hash;
        uint96 amount;
    }

    struct SumPair {
        bytes32 left;
        uint256 leftSum;
        bytes32 right;
        uint256 rightSum;
    }

    struct PayoutLeaf {
        address beneficiary;
        uint256 cumulative;
    }

    function receipts(Receipt[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.receiptHash(all[i]);
        }
    }

    function limits(SpendingLimit[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.limitHash(all[i]);
        }
    }

    function receiptLeaves(ReceiptLeaf[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.receiptLeaf(all[i].seq, all[i].hash, all[i].amount);
        }
    }

    function sumNodes(SumPair[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.sumNode(all[i].left, all[i].leftSum, all[i].right, all[i].rightSum);
        }
    }

    function debitLeaves(ChargedDebit[] calldata all) public pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.debitLeaf(all[i]);
        }
    }

    function debitRoot(ChargedDebit[] calldata all) external pure returns (bytes32) {
        return Hashing.debitRoot(debitLeaves(all));
    }

    function payoutLeaves(PayoutLeaf[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.payoutLeaf(all[i].beneficiary, all[i].cumulative);
        }
    }

    function batches(Batch[] calldata all) external pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Hashing.batchHash(all[i]);
        }
    }
}
