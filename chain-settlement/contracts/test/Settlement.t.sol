// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {IClaims, IRoles, ISettlement} from "../src/ISettlement.sol";
import {Batch, Debit, Post, Refusal} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Trees} from "./Trees.sol";
import {Vm} from "./Vm.sol";

contract SettlementTest is Fixture {
    function setUp() public override {
        super.setUp();
        deposit(PAYER, 100 ether);
        deposit(OTHER, 100 ether);
    }

    function refuses(Post memory p, Debit[] memory debits, bytes memory failure) internal {
        vm.expectRevert(failure);
        vm.prank(OPERATOR);
        settlement.post(p, DA, debits);
    }

    function testPostChargesEachPayerAndKeepsTheHash() public {
        Debit memory a = debit(PAYER_KEY, 3 ether, 10 ether);
        Debit memory b = debit(OTHER_KEY, 4 ether, 10 ether);
        a.count = 5;
        Batch memory batch = batchOf(nextPost("root", 6 ether), two(a, b));
        vm.recordLogs();
        post(nextPost("root", 6 ether), two(a, b));

        (uint96 deposited, uint96 spent, uint64 nextSeq) = settlement.account(PAYER);
        same("deposited", deposited, 100 ether);
        same("spent", spent, 3 ether);
        same("nextSeq", nextSeq, 5);
        (, spent, nextSeq) = settlement.account(OTHER);
        same("other spent", spent, 4 ether);
        same("other nextSeq", nextSeq, 1);
        same("hash", settlement.batchHash(1), keccak256(abi.encode(batch)));
        same("lastSeq", settlement.lastSeq(), 1);
        same("lastPeriodEnd", settlement.lastPeriodEnd(), time());
        (uint128 charged_, uint128 claimed, uint128 payouts_) = settlement.totals();
        same("charged", charged_, 7 ether);
        same("claimed", claimed, 0);
        same("payouts", payouts_, 6 ether);

        Vm.Log[] memory logs = vm.getRecordedLogs();
        same("events", logs.length, 3);
        same("first payer", logs[0].topics[2], bytes32(uint256(uint160(PAYER < OTHER ? PAYER : OTHER))));
        same("posted", logs[2].topics[0], ISettlement.Posted.selector);
        same("posted hash", logs[2].topics[2], settlement.batchHash(1));
        same("posted batch", keccak256(logs[2].data), keccak256(abi.encode(batch)));
    }

    function testSequenceNumbersGoOnWhereTheyStopped() public {
        Debit memory d = debit(PAYER_KEY, 1 ether, 10 ether);
        d.count = 7;
        post(nextPost(0, 0), one(d));
        Batch memory batch = batchOf(nextPost(0, 0), one(d));
        same(
            "second batch starts at 7",
            batch.receiptsRoot,
            Hashing.debitLeaf(PAYER, 7, 7, 1 ether, keccak256("receipts"))
        );
        post(nextPost(0, 0), one(d));
        same("hash", settlement.batchHash(2), keccak256(abi.encode(batch)));
    }

    function testPostWithoutDebitsCarriesPayoutsOnly() public {
        post(nextPost(0, 0), one(debit(PAYER_KEY, 3 ether, 10 ether)));
        Batch memory batch = post(nextPost("root", 3 ether), none());
        same("no receipts", batch.receiptsRoot, bytes32(0));
        same("hash", settlement.batchHash(2), keccak256(abi.encode(batch)));
    }

    function testOnlyTheOperatorPosts() public {
        Post memory p = nextPost(0, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotOperator.selector, STRANGER, OPERATOR));
        vm.prank(STRANGER);
        settlement.post(p, DA, none());
    }

    function testPostsFollowEachOther() public {
        Post memory p = nextPost(0, 0);
        p.seq = 2;
        refuses(p, none(), abi.encodeWithSelector(ISettlement.WrongSeq.selector, 2, 1));
        p.seq = 1;
        p.prevHash = "no";
        refuses(
            p,
            none(),
            abi.encodeWithSelector(ISettlement.WrongPrevHash.selector, bytes32("no"), settlement.batchHash(0))
        );
    }

    function testSamePostTwiceIsRefused() public {
        Post memory p = nextPost(0, 0);
        Debit[] memory debits = one(debit(PAYER_KEY, 3 ether, 10 ether));
        post(p, debits);
        refuses(p, debits, abi.encodeWithSelector(ISettlement.WrongSeq.selector, 1, 2));
        p.seq = 2;
        refuses(
            p, debits, abi.encodeWithSelector(ISettlement.WrongPrevHash.selector, p.prevHash, settlement.batchHash(1))
        );
    }

    function testPeriodsAreInOrderAndPast() public {
        uint64 start = time();
        vm.warp(start + 100);
        Post memory p = nextPost(0, 0);
        (p.periodStart, p.periodEnd) = (start + 10, start + 9);
        refuses(
            p, none(), abi.encodeWithSelector(ISettlement.BadPeriod.selector, start + 10, start + 9, 0, start + 100)
        );
        (p.periodStart, p.periodEnd) = (start, start + 101);
        refuses(p, none(), abi.encodeWithSelector(ISettlement.BadPeriod.selector, start, start + 101, 0, start + 100));
        p.periodEnd = start + 100;
        post(p, none());
        p = nextPost(0, 0);
        (p.periodStart, p.periodEnd) = (start + 99, start + 100);
        refuses(
            p,
            none(),
            abi.encodeWithSelector(ISettlement.BadPeriod.selector, start + 99, start + 100, start + 100, start + 100)
        );
    }

    function testCommitmentIsTheOneThatIsHashed() public {
        Post memory p = nextPost(0, 0);
        p.daHash = "no";
        refuses(p, none(), abi.encodeWithSelector(ISettlement.WrongDaHash.selector, bytes32("no"), keccak256(DA)));
    }

    function testCommitmentHasALargestSize() public {
        uint256 max = settlement.DA_COMMITMENT_MAX();
        bytes memory da = new bytes(max + 1);
        Post memory p = nextPost(0, 0);
        p.daHash = keccak256(da);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.DaCommitmentSize.selector, max + 1, max));
        vm.prank(OPERATOR);
        settlement.post(p, da, none());
        da = new bytes(max);
        p.daHash = keccak256(da);
        vm.prank(OPERATOR);
        settlement.post(p, da, none());
    }

    function testAtMostFiveHundredDebits() public {
        Debit[] memory debits = new Debit[](501);
        refuses(nextPost(0, 0), debits, abi.encodeWithSelector(ISettlement.TooManyDebits.selector, 501, 500));
    }

    function testPayoutsNeverFallAndNeverPassCharges() public {
        post(nextPost("root", 3 ether), one(debit(PAYER_KEY, 3 ether, 10 ether)));
        refuses(
            nextPost("root", 3 ether - 1),
            none(),
            abi.encodeWithSelector(ISettlement.PayoutsFell.selector, 3 ether - 1, 3 ether)
        );
        refuses(
            nextPost("root", 3 ether + 1),
            none(),
            abi.encodeWithSelector(ISettlement.PayoutsOverCharges.selector, 3 ether + 1, 3 ether)
        );
        post(nextPost("root", 5 ether), one(debit(PAYER_KEY, 2 ether, 10 ether)));
    }

    function testDebitsAscendByPayer() public {
        Debit[] memory debits = two(debit(PAYER_KEY, 1, 1), debit(OTHER_KEY, 1, 1));
        (debits[0], debits[1]) = (debits[1], debits[0]);
        address first = debits[0].payer;
        address second = debits[1].payer;
        bytes memory failure = abi.encodeWithSelector(
            ISettlement.DebitRefused.selector, 1, second, Refusal.OutOfOrder, uint160(second), uint160(first)
        );
        refuses(nextPost(0, 0), debits, failure);
        debits[1] = debits[0];
        failure = abi.encodeWithSelector(
            ISettlement.DebitRefused.selector, 1, first, Refusal.OutOfOrder, uint160(first), uint160(first)
        );
        refuses(nextPost(0, 0), debits, failure);
    }

    /// A refused debit refuses the post, names itself, and leaves every account as it was.
    function testBadDebitNamesItselfAndTheRestGoesOnWithoutIt() public {
        Debit memory good = debit(PAYER_KEY, 3 ether, 10 ether);
        Debit memory bad = debit(OTHER_KEY, 101 ether, 900 ether);
        Debit[] memory debits = two(good, bad);
        uint256 at_ = debits[0].payer == OTHER ? 0 : 1;
        (Refusal[] memory refusals, uint256[] memory wanted, uint256[] memory allowed) = settlement.checkDebits(debits);
        same("bad one seen", uint256(refusals[at_]), uint256(Refusal.OverDeposit));
        same("wanted", wanted[at_], 101 ether);
        same("allowed", allowed[at_], 100 ether);
        same("good one passes", uint256(refusals[1 - at_]), uint256(Refusal.None));
        refuses(
            nextPost(0, 0),
            debits,
            abi.encodeWithSelector(
                ISettlement.DebitRefused.selector, at_, OTHER, Refusal.OverDeposit, 101 ether, 100 ether
            )
        );
        (, uint96 spent,) = settlement.account(PAYER);
        same("nothing charged", spent, 0);
        post(nextPost(0, 0), one(good));
        (, spent,) = settlement.account(PAYER);
        same("charged without the bad one", spent, 3 ether);
    }

    function testCheckSeesTheOrderToo() public view {
        Debit[] memory debits = two(debit(PAYER_KEY, 1, 1), debit(OTHER_KEY, 1, 1));
        (debits[0], debits[1]) = (debits[1], debits[0]);
        (Refusal[] memory refusals,,) = settlement.checkDebits(debits);
        same("first", uint256(refusals[0]), uint256(Refusal.None));
        same("second", uint256(refusals[1]), uint256(Refusal.OutOfOrder));
    }

    function testFreeReceiptsMayBeRecorded() public {
        post(nextPost(0, 0), one(debit(PAYER_KEY, 0, 0)));
        (, uint96 spent, uint64 nextSeq) = settlement.account(PAYER);
        same("spent", spent, 0);
        same("nextSeq", nextSeq, 1);
    }

    /// Whatever the debits are, accounts, totals and roots are what the slow twin says.
    function testFuzzPostEqualsItsModel(uint256 seed, uint8 size) public {
        uint256 n = 1 + (size % 12);
        Debit[] memory debits = new Debit[](n);
        uint128 total = 0;
        for (uint256 i = 0; i < n; ++i) {
            address payer = address(uint160(0x1000 * (i + 1)));
            uint96 delta = uint96(uint256(keccak256(abi.encode(seed, i))) % 1 ether);
            vm.deal(payer, 2 ether);
            vm.startPrank(payer);
            settlement.deposit{value: 2 ether}(payer, 2 ether);
            settlement.setStandingLimit(OPERATOR, 1 ether);
            vm.stopPrank();
            debits[i] = debitOnChain(payer, delta);
            debits[i].count = uint64(1 + (seed % 1000) + i);
            total += delta;
        }
        Batch memory batch = post(nextPost("root", total), debits);
        same("hash", settlement.batchHash(1), keccak256(abi.encode(batch)));
        for (uint256 i = 0; i < n; ++i) {
            (uint96 deposited, uint96 spent, uint64 nextSeq) = settlement.account(debits[i].payer);
            same("deposited", deposited, 2 ether);
            same("spent", spent, debits[i].amounts.delta());
            same("nextSeq", nextSeq, debits[i].count);
        }
    }

    // Roles

    function testOwnerChangesOperatorAndArbiterAtOnce() public {
        vm.expectEmit(address(settlement));
        emit IRoles.OperatorSet(OPERATOR, STRANGER);
        vm.prank(OWNER);
        settlement.setOperator(STRANGER);
        same("operator", settlement.operator(), STRANGER);
        same("old key", settlement.operatorUntil(OPERATOR), time());
        same("new key", settlement.operatorUntil(STRANGER), NEVER);
        same("nobody's key", settlement.operatorUntil(HOST), 0);
        vm.expectEmit(address(settlement));
        emit IRoles.ArbiterSet(ARBITER, HOST);
        vm.prank(OWNER);
        settlement.setArbiter(HOST);
        same("arbiter", settlement.arbiter(), HOST);
    }

    function testOperatorMayComeBack() public {
        vm.startPrank(OWNER);
        settlement.setOperator(OPERATOR);
        same("again", settlement.operatorUntil(OPERATOR), NEVER);
        settlement.setOperator(STRANGER);
        settlement.setOperator(OPERATOR);
        vm.stopPrank();
        same("back", settlement.operatorUntil(OPERATOR), NEVER);
        same("gone", settlement.operatorUntil(STRANGER), time());
    }

    function testNobodyElseChangesRoles() public {
        vm.startPrank(OPERATOR);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", OPERATOR));
        settlement.setOperator(STRANGER);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", OPERATOR));
        settlement.setArbiter(STRANGER);
        vm.stopPrank();
    }
}
