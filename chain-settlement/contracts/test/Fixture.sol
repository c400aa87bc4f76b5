// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Bond} from "../src/Bond.sol";
import {Hashing} from "../src/Hashing.sol";
import {IBond} from "../src/IBond.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {Prices} from "../src/Prices.sol";
import {Settlement} from "../src/Settlement.sol";
import {Amounts, Batch, ChargedDebit, Debit, Post, PriceId, Receipt, SpendingLimit, Terms} from "../src/Types.sol";
import {Trees} from "./Trees.sol";
import {Vm} from "./Vm.sol";

/// A deployment, people with keys, and the ways to build what they send.
abstract contract Fixture {
    error Unequal(string what, uint256 got, uint256 expected);
    error Untrue(string what);

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint64 internal constant WITHDRAW_DELAY = 1 days;
    uint64 internal constant DISPUTE_WINDOW = 2 days;
    uint64 internal constant RESOLVE_PERIOD = 7 days;
    uint64 internal constant ABANDON_DELAY = 180 days;
    uint64 internal constant UNBONDING = 14 days;
    uint96 internal constant DISPUTE_BOND = 5 ether;
    uint16 internal constant SLASH_BPS = 2000;
    uint16 internal constant REPORTER_BPS = 1000;
    uint64 internal constant NEVER = type(uint64).max;

    uint256 internal constant OPERATOR_KEY = 0xA11CE;
    uint256 internal constant PAYER_KEY = 0xB0B;
    uint256 internal constant OTHER_KEY = 0xC0DE;
    uint256 internal constant SESSION_KEY = 0x5E55;

    address internal constant OWNER = address(0x0117e5);
    address internal constant ARBITER = address(0xA4B174);
    address internal constant TREASURY = address(0x74EA5);
    address internal constant CREATOR = address(0xC4EA704);
    address internal constant HOST = address(0x40057);
    address internal constant STRANGER = address(0x574A46E4);
    address internal immutable OPERATOR = vm.addr(OPERATOR_KEY);
    address internal immutable PAYER = vm.addr(PAYER_KEY);
    address internal immutable OTHER = vm.addr(OTHER_KEY);
    address internal immutable SESSION = vm.addr(SESSION_KEY);

    Settlement internal settlement;
    Prices internal prices;
    Bond internal bond;
    MockToken internal token; // none for the native coin

    function isNative() internal view virtual returns (bool) {
        return true;
    }

    function permit2() internal view virtual returns (address) {
        return address(0);
    }

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        if (!isNative()) {
            token = newToken();
        }
        settlement = new Settlement(terms());
        prices = new Prices(settlement);
        bond = new Bond(settlement, prices, TREASURY, UNBONDING, SLASH_BPS, REPORTER_BPS);
        fund(PAYER, 1000 ether);
        fund(OTHER, 1000 ether);
        fund(STRANGER, 1000 ether);
        fund(OPERATOR, 1000 ether);
    }

    function newToken() internal virtual returns (MockToken) {
        return new MockToken();
    }

    function terms() internal view returns (Terms memory) {
        return Terms({
            asset: address(token),
            owner: OWNER,
            operator: OPERATOR,
            arbiter: ARBITER,
            permit2: permit2(),
            withdrawDelay: WITHDRAW_DELAY,
            disputeWindow: DISPUTE_WINDOW,
            resolvePeriod: RESOLVE_PERIOD,
            abandonDelay: ABANDON_DELAY,
            disputeBond: DISPUTE_BOND
        });
    }

    /// Block time, asked afresh: the compiler may keep block.timestamp over a warp.
    function time() internal view returns (uint64) {
        return uint64(vm.getBlockTimestamp());
    }

    // The asset

    function fund(address who, uint256 amount) internal {
        if (isNative()) {
            vm.deal(who, who.balance + amount);
        } else {
            token.mint(who, amount);
        }
    }

    function balanceOf(address who) internal view returns (uint256) {
        return isNative() ? who.balance : token.balanceOf(who);
    }

    /// Lets `spender` take `amount` from `from`, and returns the value that the call must carry.
    function allow(address from, address spender, uint256 amount) internal returns (uint256 value) {
        if (isNative()) {
            return amount;
        }
        vm.prank(from);
        token.approve(spender, amount);
        return 0;
    }

    function deposit(address payer, uint96 amount) internal {
        uint256 value = allow(payer, address(settlement), amount);
        vm.prank(payer);
        settlement.deposit{value: value}(payer, amount);
    }

    // Limits and debits

    function limitOf(address payer, address signer, uint96 limit, uint64 expiry)
        internal
        view
        returns (SpendingLimit memory)
    {
        return SpendingLimit(payer, signer, OPERATOR, limit, expiry);
    }

    function amounts(uint96 delta, uint96 limit, uint64 expiry) internal pure returns (Amounts) {
        return Amounts.wrap((uint256(delta) << 160) | (uint256(limit) << 64) | expiry);
    }

    /// A debit whose one receipt is made up: only its root matters.
    function debit(uint256 payerKey, uint96 delta, uint96 limit) internal view returns (Debit memory) {
        return debitBy(vm.addr(payerKey), payerKey, delta, limit, NEVER);
    }

    function debitBy(address payer, uint256 key, uint96 delta, uint96 limit, uint64 expiry)
        internal
        view
        returns (Debit memory d)
    {
        d = Debit(payer, vm.addr(key), amounts(delta, limit, expiry), 1, keccak256("receipts"), 0, 0);
        (d.r, d.vs) = vm.signCompact(key, settlement.limitDigest(limitOf(payer, vm.addr(key), limit, expiry)));
    }

    /// A debit on what the chain allows.
    function debitOnChain(address payer, uint96 delta) internal pure returns (Debit memory) {
        return Debit(payer, address(0), amounts(delta, 0, 0), 1, keccak256("receipts"), 0, 0);
    }

    function one(Debit memory d) internal pure returns (Debit[] memory list) {
        list = new Debit[](1);
        list[0] = d;
    }

    function two(Debit memory a, Debit memory b) internal pure returns (Debit[] memory list) {
        list = new Debit[](2);
        (list[0], list[1]) = a.payer < b.payer ? (a, b) : (b, a);
    }

    function none() internal pure returns (Debit[] memory) {
        return new Debit[](0);
    }

    // Posts

    bytes internal constant DA = hex"0300c0ffee";

    function nextPost(bytes32 payoutsRoot, uint128 payoutsTotal) internal view returns (Post memory) {
        uint64 last = settlement.lastSeq();
        return Post({
            seq: last + 1,
            prevHash: settlement.batchHash(last),
            payoutsRoot: payoutsRoot,
            payoutsTotal: payoutsTotal,
            periodStart: settlement.lastPeriodEnd(),
            periodEnd: time(),
            daHash: keccak256(DA)
        });
    }

    function post(Post memory p, Debit[] memory debits) internal returns (Batch memory) {
        Batch memory batch = batchOf(p, debits);
        vm.prank(OPERATOR);
        settlement.post(p, DA, debits);
        return batch;
    }

    /// What the contract must make of a post, computed the other way.
    function batchOf(Post memory p, Debit[] memory debits) internal view returns (Batch memory batch) {
        bytes32[] memory leaves = debitLeaves(debits);
        uint128 total = 0;
        for (uint256 i = 0; i < debits.length; ++i) {
            total += debits[i].amounts.delta();
        }
        batch = Batch({
            seq: p.seq,
            prevHash: p.prevHash,
            receiptsRoot: leaves.length == 0 ? bytes32(0) : Trees.orderedRoot(leaves, 0, leaves.length),
            payoutsRoot: p.payoutsRoot,
            charged: total,
            payoutsTotal: p.payoutsTotal,
            periodStart: p.periodStart,
            periodEnd: p.periodEnd,
            daHash: p.daHash,
            postedAt: time(),
            epoch: settlement.epoch()
        });
    }

    function charged(Debit memory d) internal view returns (ChargedDebit memory) {
        (,, uint64 nextSeq) = settlement.account(d.payer);
        return ChargedDebit(d.payer, nextSeq, d.count, d.amounts.delta(), d.subRoot);
    }

    function debitLeaves(Debit[] memory debits) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](debits.length);
        for (uint256 i = 0; i < debits.length; ++i) {
            ChargedDebit memory c = charged(debits[i]);
            leaves[i] = Hashing.debitLeaf(c.payer, c.firstSeq, c.count, c.delta, c.subRoot);
        }
    }

    // Payouts

    function pair(address a, address b) internal pure returns (address[] memory list) {
        list = new address[](2);
        (list[0], list[1]) = (a, b);
    }

    function pair(uint256 a, uint256 b) internal pure returns (uint256[] memory list) {
        list = new uint256[](2);
        (list[0], list[1]) = (a, b);
    }

    /// Leaves for the creator and the host.
    function payouts(uint256 creator, uint256 host) internal pure returns (bytes32[] memory) {
        return Trees.payoutLeaves(pair(CREATOR, HOST), pair(creator, host));
    }

    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        return Trees.sortedRoot(leaves, 0, leaves.length);
    }

    /// Charges PAYER `total` and posts a root that pays it to the creator and the host.
    function postPayouts(uint96 delta, uint256 creator, uint256 host) internal returns (Batch memory) {
        (, uint96 spent,) = settlement.account(PAYER);
        Debit[] memory debits = delta == 0 ? none() : one(debit(PAYER_KEY, delta, spent + delta));
        return post(nextPost(rootOf(payouts(creator, host)), uint128(creator + host)), debits);
    }

    function matured() internal {
        vm.warp(time() + DISPUTE_WINDOW);
    }

    function claimCreator(Batch memory batch, uint256 creator, uint256 host) internal {
        settlement.claim(batch, CREATOR, creator, Trees.sortedProof(payouts(creator, host), 0));
    }

    function openDispute(address who, Batch memory batch) internal {
        uint256 value = allow(who, address(settlement), DISPUTE_BOND);
        vm.prank(who);
        settlement.openDispute{value: value}(batch, keccak256("evidence"));
    }

    function noBatch() internal pure returns (Batch memory batch) {}

    // Assertions

    function same(string memory what, uint256 got, uint256 expected) internal pure {
        if (got != expected) {
            revert Unequal(what, got, expected);
        }
    }

    function same(string memory what, address got, address expected) internal pure {
        same(what, uint160(got), uint160(expected));
    }

    function same(string memory what, bytes32 got, bytes32 expected) internal pure {
        same(what, uint256(got), uint256(expected));
    }

    function yes(string memory what, bool holds) internal pure {
        if (!holds) {
            revert Untrue(what);
        }
    }
}
