// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Batch, ChargedDebit, Receipt, SpendingLimit} from "./Types.sol";

/// The hashes that the chain, the operator and the payers agree on. Every leaf has another length, or one more round
/// of hashing, than every node, so neither can stand for the other.
library Hashing {
    string internal constant NAME = "OpenLoRA Settlement";
    string internal constant VERSION = "1";

    bytes32 internal constant LIMIT_TYPEHASH =
        keccak256("SpendingLimit(address payer,address signer,address operator,uint96 limit,uint64 expiry)");

    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 requestId,address payer,bytes32 model,bytes32 adapter,bytes32 promptHash,bytes32 outputHash,"
        "uint64 tokensIn,uint64 tokensOut,uint64 priceId,uint96 amount,bytes32 traceHash,uint64 timestamp)"
    );

    function limitHash(address payer, address signer, address operator, uint96 limit, uint64 expiry)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(LIMIT_TYPEHASH, payer, signer, operator, limit, expiry));
    }

    function limitHash(SpendingLimit calldata granted) internal pure returns (bytes32) {
        return limitHash(granted.payer, granted.signer, granted.operator, granted.limit, granted.expiry);
    }

    function receiptHash(Receipt calldata receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
    }

    /// Leaf of the Merkle-sum tree, 96 bytes hashed. `seq` is the receipt's position over the life of the account.
    function receiptLeaf(uint64 seq, bytes32 hash, uint96 amount) internal pure returns (bytes32) {
        return keccak256(abi.encode(seq, hash, amount));
    }

    /// Node of the Merkle-sum tree, 128 bytes hashed. An odd node is promoted.
    function sumNode(bytes32 left, uint256 leftSum, bytes32 right, uint256 rightSum) internal pure returns (bytes32) {
        return keccak256(abi.encode(left, leftSum, right, rightSum));
    }

    function debitLeaf(address payer, uint64 firstSeq, uint64 count, uint96 delta, bytes32 subRoot)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(payer, firstSeq, count, delta, subRoot))));
    }

    function debitLeaf(ChargedDebit calldata d) internal pure returns (bytes32) {
        return debitLeaf(d.payer, d.firstSeq, d.count, d.delta, d.subRoot);
    }

    function payoutLeaf(address beneficiary, uint256 cumulative) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(beneficiary, cumulative))));
    }

    function batchHash(Batch memory batch) internal pure returns (bytes32) {
        return keccak256(abi.encode(batch));
    }

    /// Root of the debit tree: pairs in order, an odd node promoted; 0 for no leaf. Overwrites `nodes`.
    function debitRoot(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 n = nodes.length;
        if (n == 0) {
            return 0;
        }
        while (n > 1) {
            uint256 pairs = n / 2;
            for (uint256 i = 0; i < pairs; ++i) {
                nodes[i] = Hashes.efficientKeccak256(nodes[2 * i], nodes[2 * i + 1]);
            }
            if (n % 2 == 1) {
                nodes[pairs] = nodes[n - 1];
            }
            n = (n + 1) / 2;
        }
        return nodes[0];
    }

    /// Root above a debit leaf. Bit i of `path` set: sibling i stands left of the way up.
    function debitRootAbove(bytes32 leaf, bytes32[] calldata siblings, uint256 path) internal pure returns (bytes32) {
        bytes32 node = leaf;
        for (uint256 i = 0; i < siblings.length; ++i) {
            node = (path >> i) & 1 == 1
                ? Hashes.efficientKeccak256(siblings[i], node)
                : Hashes.efficientKeccak256(node, siblings[i]);
        }
        return node;
    }
}
