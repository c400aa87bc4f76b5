// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {IBond} from "../src/IBond.sol";
import {Batch, ChargedDebit, Debit, PriceId, Receipt} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Trees} from "./Trees.sol";

/// Builds debits out of real receipts, and the proofs about them.
abstract contract Receipts is Fixture {
    uint96 internal constant AMOUNT = 1.000000000000000001 ether;

    function receipt(address payer, uint256 number, uint96 amount) internal view returns (Receipt memory) {
        return Receipt({
            requestId: keccak256(abi.encode("request", payer, number)),
            payer: payer,
            model: "model",
            adapter: "adapter",
            promptHash: keccak256("prompt"),
            outputHash: keccak256("output"),
            tokensIn: 100,
            tokensOut: 200,
            priceId: PriceId.wrap(1),
            amount: amount,
            traceHash: keccak256("trace"),
            timestamp: time()
        });
    }

    function receiptsOf(address payer, uint256 count) internal view returns (Receipt[] memory list) {
        list = new Receipt[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = receipt(payer, i, uint96(AMOUNT + i));
        }
    }

    function hashOf(Receipt memory r) internal view returns (bytes32) {
        return bond.receiptHash(r);
    }

    function leavesOf(Receipt[] memory list, uint64 firstSeq) internal view returns (Trees.Sums memory leaves) {
        leaves = Trees.Sums(new bytes32[](list.length), new uint256[](list.length));
        for (uint256 i = 0; i < list.length; ++i) {
            leaves.hashes[i] = Hashing.receiptLeaf(firstSeq + uint64(i), hashOf(list[i]), list[i].amount);
            leaves.sums[i] = list[i].amount;
        }
    }

    /// The payer's debit for these receipts on its standing limit.
    function debitFor(address payer, Receipt[] memory list) internal view returns (Debit memory d) {
        (,, uint64 nextSeq) = settlement.account(payer);
        Trees.Sums memory leaves = leavesOf(list, nextSeq);
        (bytes32 root, uint256 sum) = Trees.sumRoot(leaves, 0, list.length);
        d = debitOnChain(payer, uint96(sum));
        (d.count, d.subRoot) = (uint64(list.length), root);
    }

    /// Posts the debits and says where each stands.
    function postProven(Debit[] memory debits) internal returns (IBond.DebitProof[] memory proofs) {
        bytes32[] memory leaves = debitLeaves(debits);
        proofs = new IBond.DebitProof[](debits.length);
        for (uint256 i = 0; i < debits.length; ++i) {
            proofs[i].debit = charged(debits[i]);
            (proofs[i].siblings, proofs[i].path) = Trees.orderedProof(leaves, i);
        }
        Batch memory batch = post(nextPost(0, 0), debits);
        for (uint256 i = 0; i < debits.length; ++i) {
            proofs[i].batch = batch;
        }
    }

    function inclusion(IBond.DebitProof memory proof, Receipt[] memory list, uint64 index)
        internal
        view
        returns (IBond.Inclusion memory)
    {
        return IBond.Inclusion(proof, index, Trees.sumProof(leavesOf(list, proof.debit.firstSeq), index));
    }

    function signed(uint256 key, Receipt memory r) internal view returns (bytes memory) {
        (uint8 v, bytes32 rr, bytes32 s) = vm.sign(key, bond.receiptDigest(r));
        return abi.encodePacked(rr, s, v);
    }
}
