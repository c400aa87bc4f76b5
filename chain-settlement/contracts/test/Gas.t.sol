// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Batch, Debit, Payout, Post} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Trees} from "./Trees.sol";

/// What each call costs as a transaction of its own (run with --isolate: intrinsic gas, calldata and refunds counted).
contract GasTest is Fixture {
    bytes private _commitment = new bytes(1500); // an EigenDA certificate is 1.5 to 6 kB

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < _commitment.length; ++i) {
            _commitment[i] = bytes1(uint8(1 + i % 255));
        }
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("settlement", name);
    }

    uint96 private constant DELTA = 0.123456789012345678 ether;

    /// The second post of payers who have paid before: their slots are in use, as in any hour but the first.
    function steadyPost(uint256 payers, bytes memory commitment, bool signed, string memory name) internal {
        for (uint256 i = 0; i < payers; ++i) {
            address who = vm.addr(1000 + i);
            vm.deal(who, 10 ether);
            vm.startPrank(who);
            settlement.deposit{value: 10 ether}(who, 10 ether);
            settlement.setStandingLimit(OPERATOR, 10 ether);
            vm.stopPrank();
        }
        for (uint256 round = 1; round <= 2; ++round) {
            Debit[] memory debits = debitsOf(payers, round, signed);
            Post memory p = nextPost(keccak256(abi.encode("payouts", round)), uint128(round * payers * DELTA));
            p.daHash = keccak256(commitment);
            vm.prank(OPERATOR);
            settlement.post(p, commitment, debits);
        }
        measured(name);
    }

    function debitsOf(uint256 payers, uint256 round, bool signed) internal view returns (Debit[] memory debits) {
        debits = new Debit[](payers);
        uint96 limit = uint96(round * 1.234567890123456789 ether);
        for (uint256 i = 0; i < payers; ++i) {
            address who = vm.addr(1000 + i);
            debits[i] = signed ? debitBy(who, 1000 + i, DELTA, limit, time() + 30 days) : debitOnChain(who, DELTA);
            debits[i].count = 10_000;
            debits[i].subRoot = keccak256(abi.encode(round, i));
        }
        sort(debits);
    }

    /// By payer, with a heap: 500 of them.
    function sort(Debit[] memory list) internal pure {
        for (uint256 end = list.length; end > 1;) {
            for (uint256 i = end / 2; end == list.length && i > 0; --i) {
                sink(list, i - 1, end);
            }
            --end;
            (list[0], list[end]) = (list[end], list[0]);
            sink(list, 0, end);
        }
    }

    function sink(Debit[] memory list, uint256 i, uint256 end) private pure {
        while (2 * i + 1 < end) {
            uint256 child = 2 * i + 1;
            if (child + 1 < end && list[child + 1].payer > list[child].payer) {
                ++child;
            }
            if (list[i].payer >= list[child].payer) {
                return;
            }
            (list[i], list[child]) = (list[child], list[i]);
            i = child;
        }
    }

    function testGasPost1() public {
        steadyPost(1, _commitment, true, "post: 1 payer");
    }

    function testGasPost1Short() public {
        steadyPost(1, new bytes(32), true, "post: 1 payer, 32-byte commitment");
    }

    function testGasPost10() public {
        steadyPost(10, _commitment, true, "post: 10 payers");
    }

    function testGasPost100() public {
        steadyPost(100, _commitment, true, "post: 100 payers");
    }

    function testGasPost100Standing() public {
        steadyPost(100, _commitment, false, "post: 100 payers, standing limits");
    }

    function testGasPost500() public {
        steadyPost(500, _commitment, true, "post: 500 payers");
    }

    function testGasAccount() public {
        vm.prank(PAYER);
        settlement.deposit{value: 10 ether}(PAYER, 10 ether);
        measured("deposit: first, native");
        vm.prank(PAYER);
        settlement.deposit{value: 10 ether}(PAYER, 10 ether);
        measured("deposit: again, native");
        vm.prank(PAYER);
        settlement.setStandingLimit(OPERATOR, 10 ether);
        measured("standing limit: first");
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        measured("withdrawal: request");
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
        measured("withdrawal: take");
    }

    function claimAt(uint256 depth) internal {
        uint256 n = 1 << depth;
        deposit(PAYER, 100 ether);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(CREATOR, uint256(1 ether)))));
        bytes32 node = leaf;
        bytes32[] memory proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = keccak256(abi.encode(n, i));
            node = node < proof[i] ? keccak256(abi.encode(node, proof[i])) : keccak256(abi.encode(proof[i], node));
        }
        vm.deal(CREATOR, 1);
        Batch memory batch = post(nextPost(node, 1 ether), one(debit(PAYER_KEY, 1 ether, 1 ether)));
        matured();
        settlement.claim(batch, CREATOR, 1 ether, proof);
    }

    function testGasClaim0() public {
        claimAt(0);
        measured("claim: first, depth 0");
    }

    function testGasClaim7() public {
        claimAt(7);
        measured("claim: first, depth 7");
    }

    function testGasClaim10() public {
        claimAt(10);
        measured("claim: first, depth 10");
    }

    function testGasClaim14() public {
        claimAt(14);
        measured("claim: first, depth 14");
    }

    function testGasClaim20() public {
        claimAt(20);
        measured("claim: first, depth 20");
    }
}
