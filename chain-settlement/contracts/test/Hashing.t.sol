// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {Settlement} from "../src/Settlement.sol";
import {Batch, PriceId, Receipt, SpendingLimit} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Trees} from "./Trees.sol";

/// Every hash against the JavaScript model (tools/vectors.mjs), which shares no line with the contracts.
contract HashingTest is Fixture {
    uint256 private constant CASES = 60;

    function testEveryCaseAgreesWithTheModel() public {
        for (uint256 k = 0; k < CASES; ++k) {
            string memory json = vm.readLine("test/vectors.jsonl");
            this.checkReceipts(json); // calls of their own: each gives its memory back
            this.checkRoots(json);
            this.checkSigned(json);
        }
        same("no case more", bytes(vm.readLine("test/vectors.jsonl")).length, 0);
    }

    function joined(bytes32[] memory list, uint256 from, uint256 count) internal pure returns (bytes memory data) {
        for (uint256 i = 0; i < count; ++i) {
            data = abi.encodePacked(data, list[from + i]);
        }
    }

    function checkReceipts(string calldata json) external view {
        bytes32[] memory receipts = vm.parseJsonBytes32Array(json, ".receipts");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".receiptHashes");
        Trees.Sums memory leaves = Trees.Sums(new bytes32[](hashes.length), new uint256[](hashes.length));
        uint64 firstSeq = uint64(uint256(vm.parseJsonBytes32(json, ".firstSeq")));
        for (uint256 i = 0; i < hashes.length; ++i) {
            Receipt memory r = abi.decode(joined(receipts, 12 * i, 12), (Receipt));
            same("receipt", bond.receiptHash(r), hashes[i]);
            leaves.hashes[i] = Hashing.receiptLeaf(firstSeq + uint64(i), hashes[i], r.amount);
            leaves.sums[i] = r.amount;
        }
        (bytes32 root, uint256 sum) = Trees.sumRoot(leaves, 0, hashes.length);
        same("subRoot", root, vm.parseJsonBytes32(json, ".subRoot"));
        same("sum", sum, uint256(vm.parseJsonBytes32(json, ".sum")));
    }

    function checkRoots(string calldata json) external pure {
        bytes32[] memory debits = vm.parseJsonBytes32Array(json, ".debits");
        bytes32[] memory leaves = new bytes32[](debits.length / 5);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Hashing.debitLeaf(
                address(uint160(uint256(debits[5 * i]))),
                uint64(uint256(debits[5 * i + 1])),
                uint64(uint256(debits[5 * i + 2])),
                uint96(uint256(debits[5 * i + 3])),
                debits[5 * i + 4]
            );
        }
        same("receiptsRoot", Hashing.debitRoot(leaves), vm.parseJsonBytes32(json, ".receiptsRoot"));

        bytes32[] memory payouts_ = vm.parseJsonBytes32Array(json, ".payouts");
        leaves = new bytes32[](payouts_.length / 2);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Hashing.payoutLeaf(address(uint160(uint256(payouts_[2 * i]))), uint256(payouts_[2 * i + 1]));
        }
        same("payoutsRoot", Trees.sortedRoot(leaves, 0, leaves.length), vm.parseJsonBytes32(json, ".payoutsRoot"));

        Batch memory batch = abi.decode(joined(vm.parseJsonBytes32Array(json, ".batch"), 0, 11), (Batch));
        same("batch", Hashing.batchHash(batch), vm.parseJsonBytes32(json, ".batchHash"));
    }

    function checkSigned(string calldata json) external {
        bytes memory code = address(settlement).code;
        bytes32[] memory domain = vm.parseJsonBytes32Array(json, ".domain");
        SpendingLimit memory l = abi.decode(joined(vm.parseJsonBytes32Array(json, ".limit"), 0, 5), (SpendingLimit));
        same(
            "limit",
            Hashing.limitHash(l.payer, l.signer, l.operator, l.limit, l.expiry),
            vm.parseJsonBytes32(json, ".limitHash")
        );
        // Another chain id and address: the contract must notice that its cached domain is not its own.
        Settlement elsewhere = Settlement(address(uint160(uint256(domain[1]))));
        vm.etch(address(elsewhere), code);
        vm.chainId(uint256(domain[0]));
        same("domain", elsewhere.domainSeparator(), vm.parseJsonBytes32(json, ".domainSeparator"));
        same("limit digest", elsewhere.limitDigest(l), vm.parseJsonBytes32(json, ".limitDigest"));
        vm.chainId(31_337);
    }
}
