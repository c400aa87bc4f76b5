// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "./Hashing.sol";
import {IBond} from "./IBond.sol";
import {ChargedDebit} from "./Types.sol";

/// Walks in the Merkle-sum tree over one debit's receipts. Its shape follows from the count alone: pairs from the left,
/// an odd node promoted; seen from above, the left child holds the largest power of two of leaves below the count.
library ReceiptTree {
    /// A node on the way down: what its parent says of it, and which receipts are under it.
    struct Place {
        bytes32 hash;
        uint256 sum;
        uint64 firstSeq;
        uint64 count;
    }

    /// Root and sum above a leaf, siblings from the leaf up.
    function rootAbove(bytes32 leaf, uint256 amount, uint64 index, uint64 count, IBond.Sum[] calldata siblings)
        internal
        pure
        returns (bytes32 node, uint256 sum)
    {
        if (index >= count) {
            revert IBond.IndexOutOfRange(index, count);
        }
        node = leaf;
        sum = amount;
        uint256 used = 0;
        for (; count > 1; count = (count + 1) / 2) {
            bool promoted = index % 2 == 0 && index + 1 == count;
            if (!promoted) {
                IBond.Sum calldata sibling = siblings[used++];
                node = index % 2 == 1
                    ? Hashing.sumNode(sibling.hash, sibling.sum, node, sum)
                    : Hashing.sumNode(node, sum, sibling.hash, sibling.sum);
                sum += sibling.sum;
            }
            index /= 2;
        }
        if (used != siblings.length) {
            revert IBond.ProofTooLong(siblings.length, used);
        }
    }

    function root(ChargedDebit calldata debit) internal pure returns (Place memory) {
        return Place(debit.subRoot, debit.delta, debit.firstSeq, debit.count);
    }

    /// The child that an opening goes on with, as the opened node states it.
    function child(Place memory parent, IBond.Opening calldata o) internal pure returns (Place memory) {
        requireOpens(parent, o);
        uint64 leftCount = 1;
        while (leftCount * 2 < parent.count) {
            leftCount *= 2;
        }
        return o.goRight
            ? Place(o.right.hash, o.right.sum, parent.firstSeq + leftCount, parent.count - leftCount)
            : Place(o.left.hash, o.left.sum, parent.firstSeq, leftCount);
    }

    function requireOpens(Place memory place, IBond.Opening calldata o) internal pure {
        if (place.count < 2) {
            revert IBond.NotANode(place.count);
        }
        bytes32 given = Hashing.sumNode(o.left.hash, o.left.sum, o.right.hash, o.right.sum);
        if (given != place.hash) {
            revert IBond.NotAnOpening(given, place.hash);
        }
    }
}
