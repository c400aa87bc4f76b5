// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {IBond} from "../src/IBond.sol";

/// The trees, defined the slow way from above: left is the largest power of two of leaves. The contracts build and
/// check them from below, so each checks the other.
library Trees {
    struct Sums {
        bytes32[] hashes;
        uint256[] sums;
    }

    function split(uint256 count) internal pure returns (uint256 left) {
        left = 1;
        while (left * 2 < count) {
            left *= 2;
        }
    }

    // Debits: ordered pairs

    function orderedRoot(bytes32[] memory leaves, uint256 from, uint256 count) internal pure returns (bytes32) {
        if (count == 1) {
            return leaves[from];
        }
        uint256 left = split(count);
        return keccak256(abi.encode(orderedRoot(leaves, from, left), orderedRoot(leaves, from + left, count - left)));
    }

    /// Siblings from the leaf up, and the bits that say which of them are left.
    function orderedProof(bytes32[] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32[] memory siblings, uint256 path)
    {
        bytes32[] memory down = new bytes32[](256);
        uint256 from = 0;
        uint256 count = leaves.length;
        uint256 depth = 0;
        uint256 pathDown = 0;
        while (count > 1) {
            uint256 left = split(count);
            if (index < from + left) {
                down[depth] = orderedRoot(leaves, from + left, count - left);
                count = left;
            } else {
                down[depth] = orderedRoot(leaves, from, left);
                pathDown |= 1 << depth;
                from += left;
                count -= left;
            }
            ++depth;
        }
        siblings = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            siblings[i] = down[depth - 1 - i];
            path |= ((pathDown >> (depth - 1 - i)) & 1) << i;
        }
    }

    // Receipts: Merkle-sum

    function sumRoot(Sums memory leaves, uint256 from, uint256 count)
        internal
        pure
        returns (bytes32 hash, uint256 sum)
    {
        if (count == 1) {
            return (leaves.hashes[from], leaves.sums[from]);
        }
        uint256 left = split(count);
        (bytes32 leftHash, uint256 leftSum) = sumRoot(leaves, from, left);
        (bytes32 rightHash, uint256 rightSum) = sumRoot(leaves, from + left, count - left);
        return (keccak256(abi.encode(leftHash, leftSum, rightHash, rightSum)), leftSum + rightSum);
    }

    function sumProof(Sums memory leaves, uint256 index) internal pure returns (IBond.Sum[] memory siblings) {
        IBond.Sum[] memory down = new IBond.Sum[](256);
        uint256 from = 0;
        uint256 count = leaves.hashes.length;
        uint256 depth = 0;
        while (count > 1) {
            uint256 left = split(count);
            (uint256 otherFrom, uint256 otherCount) = index < from + left ? (from + left, count - left) : (from, left);
            (bytes32 hash, uint256 sum) = sumRoot(leaves, otherFrom, otherCount);
            down[depth++] = IBond.Sum(hash, sum);
            if (index < from + left) {
                count = left;
            } else {
                from += left;
                count -= left;
            }
        }
        siblings = new IBond.Sum[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            siblings[i] = down[depth - 1 - i];
        }
    }

    // Payouts: sorted pairs, as OpenZeppelin's MerkleProof checks them

    function sortedRoot(bytes32[] memory leaves, uint256 from, uint256 count) internal pure returns (bytes32) {
        if (count == 1) {
            return leaves[from];
        }
        uint256 left = split(count);
        bytes32 a = sortedRoot(leaves, from, left);
        bytes32 b = sortedRoot(leaves, from + left, count - left);
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function sortedProof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory siblings) {
        bytes32[] memory down = new bytes32[](256);
        uint256 from = 0;
        uint256 count = leaves.length;
        uint256 depth = 0;
        while (count > 1) {
            uint256 left = split(count);
            if (index < from + left) {
                down[depth++] = sortedRoot(leaves, from + left, count - left);
                count = left;
            } else {
                down[depth++] = sortedRoot(leaves, from, left);
                from += left;
                count -= left;
            }
        }
        siblings = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            siblings[i] = down[depth - 1 - i];
        }
    }

    function payoutLeaves(address[] memory who, uint256[] memory cumulative)
        internal
        pure
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[](who.length);
        for (uint256 i = 0; i < who.length; ++i) {
            leaves[i] = Hashing.payoutLeaf(who[i], cumulative[i]);
        }
    }
}
