// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IClaims, ISettlement, IVault} from "../src/ISettlement.sol";
import {Batch, Debit, Payout, Post} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Wallet} from "./Parties.sol";
import {Trees} from "./Trees.sol";

/// Run for the native coin and for an ERC-20.
abstract contract ClaimsSuite is Fixture {
    function setUp() public override {
        super.setUp();
        deposit(PAYER, 100 ether);
    }

    function payout(address who, uint256 cumulative, bytes32[] memory proof) internal pure returns (Payout memory) {
        return Payout(who, cumulative, proof);
    }

    function testClaimPaysTheBeneficiaryWhoeverSendsIt() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        vm.expectEmit(address(settlement));
        emit IClaims.Claimed(CREATOR, 1, 3 ether, 3 ether);
        vm.prank(STRANGER);
        claimCreator(batch, 3 ether, 7 ether);
        same("paid", balanceOf(CREATOR), 3 ether);
        same("claimed", settlement.claimed(CREATOR), 3 ether);
        (, uint128 claimed,) = settlement.totals();
        same("total", claimed, 3 ether);
    }

    function testClaimPaysOnce() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        claimCreator(batch, 3 ether, 7 ether);
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NothingToClaim.selector, CREATOR, 3 ether, 3 ether));
        settlement.claim(batch, CREATOR, 3 ether, proof);
    }

    function testClaimWaitsForTheWindow() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        uint64 claimableAt = time() + DISPUTE_WINDOW;
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 0);
        vm.warp(claimableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimTooEarly.selector, 1, claimableAt, claimableAt - 1));
        settlement.claim(batch, CREATOR, 3 ether, proof);
        vm.warp(claimableAt);
        settlement.claim(batch, CREATOR, 3 ether, proof);
    }

    function testLaterRootPaysTheDifferenceAndOldRootsStayUsable() public {
        Batch memory first = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        claimCreator(first, 3 ether, 7 ether);
        Batch memory second = postPayouts(10 ether, 8 ether, 12 ether);
        settlement.claim(first, HOST, 7 ether, Trees.sortedProof(payouts(3 ether, 7 ether), 1));
        same("host by the old root", balanceOf(HOST), 7 ether);
        matured();
        claimCreator(second, 8 ether, 12 ether);
        same("creator by both", balanceOf(CREATOR), 8 ether);
    }

    function testOneClaimCoversAllHistory() public {
        postPayouts(10 ether, 3 ether, 7 ether);
        postPayouts(10 ether, 5 ether, 9 ether);
        Batch memory third = postPayouts(10 ether, 8 ether, 12 ether);
        matured();
        claimCreator(third, 8 ether, 12 ether);
        same("paid", balanceOf(CREATOR), 8 ether);
    }

    function testManyClaimsInOneCall() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        bytes32[] memory leaves = payouts(3 ether, 7 ether);
        Payout[] memory all = new Payout[](2);
        all[0] = payout(HOST, 7 ether, Trees.sortedProof(leaves, 1));
        all[1] = payout(CREATOR, 3 ether, Trees.sortedProof(leaves, 0));
        settlement.claimMany(batch, all);
        same("creator", balanceOf(CREATOR), 3 ether);
        same("host", balanceOf(HOST), 7 ether);
    }

    function testManyClaimsWaitAsOneDoes() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        uint64 claimableAt = time() + DISPUTE_WINDOW;
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimTooEarly.selector, 1, claimableAt, time()));
        settlement.claimMany(batch, new Payout[](0));
    }

    function testClaimNeedsThePostedBatch() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        bytes32 posted = settlement.batchHash(1);
        matured();
        batch.payoutsRoot = "mine";
        vm.expectRevert(abi.encodeWithSelector(IClaims.UnknownBatch.selector, 1, keccak256(abi.encode(batch)), posted));
        settlement.claim(batch, CREATOR, 3 ether, new bytes32[](0));
        batch.seq = 9;
        vm.expectRevert(
            abi.encodeWithSelector(IClaims.UnknownBatch.selector, 9, keccak256(abi.encode(batch)), bytes32(0))
        );
        settlement.claim(batch, CREATOR, 3 ether, new bytes32[](0));
    }

    function testClaimNeedsItsLeaf() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.PayoutNotInRoot.selector, 1, CREATOR, 4 ether));
        settlement.claim(batch, CREATOR, 4 ether, proof);
        vm.expectRevert(abi.encodeWithSelector(IClaims.PayoutNotInRoot.selector, 1, STRANGER, 3 ether));
        settlement.claim(batch, STRANGER, 3 ether, proof);
        vm.expectRevert(abi.encodeWithSelector(IClaims.PayoutNotInRoot.selector, 1, CREATOR, 3 ether));
        settlement.claim(batch, CREATOR, 3 ether, new bytes32[](0));
    }

    function testRootThatPromisesMoreThanItsTotalPaysItsTotal() public {
        Batch memory batch =
            post(nextPost(rootOf(payouts(3 ether, 7 ether)), 5 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        claimCreator(batch, 3 ether, 7 ether);
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimsOverPayouts.selector, 1, 7 ether, 2 ether));
        settlement.claim(batch, HOST, 7 ether, proof);
    }

    function testOldRootCannotDrawOnANewRootsTotal() public {
        Batch memory first =
            post(nextPost(rootOf(payouts(3 ether, 7 ether)), 5 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        Batch memory second = postPayouts(10 ether, 8 ether, 9 ether);
        matured();
        claimCreator(second, 8 ether, 9 ether);
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimsOverPayouts.selector, 1, 7 ether, 0));
        settlement.claim(first, HOST, 7 ether, proof);
    }

    function testAbsurdCumulativeIsRefusedByName() public {
        uint256 max = type(uint256).max;
        Batch memory batch = post(nextPost(rootOf(payouts(max, 1)), 5 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        settlement.claim(batch, HOST, 1, Trees.sortedProof(payouts(max, 1), 1));
        bytes32[] memory proof = Trees.sortedProof(payouts(max, 1), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimsOverPayouts.selector, 1, max, 5 ether - 1));
        settlement.claim(batch, CREATOR, max, proof);
    }

    // Disputes

    function testDisputeFreezesItsBatchAndLaterOnesAndNoEarlier() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 1 ether);
        vm.warp(time() + 1 days);
        Batch memory second = postPayouts(10 ether, 2 ether, 2 ether);
        Batch memory third = postPayouts(10 ether, 3 ether, 3 ether);
        uint64 endsAt = time() + RESOLVE_PERIOD;
        uint256 value = allow(STRANGER, address(settlement), DISPUTE_BOND);
        vm.expectEmit(address(settlement));
        emit IClaims.DisputeOpened(1, 2, STRANGER, "why", endsAt);
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(second, "why");
        (uint64 id, uint64 firstSeq, uint64 end, address disputer) = settlement.dispute();
        same("id", id, 1);
        same("firstSeq", firstSeq, 2);
        same("endsAt", end, endsAt);
        same("disputer", disputer, STRANGER);

        matured();
        claimCreator(first, 1 ether, 1 ether);
        frozen(second, 2 ether, endsAt);
        frozen(third, 3 ether, endsAt);
        vm.warp(endsAt);
        frozen(third, 3 ether, endsAt);
        vm.warp(endsAt + 1);
        claimCreator(third, 3 ether, 3 ether);
        same("paid once nobody decided", balanceOf(CREATOR), 3 ether);
    }

    function frozen(Batch memory batch, uint256 creator, uint64 endsAt) internal {
        bytes32[] memory proof = Trees.sortedProof(payouts(creator, creator), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.BatchFrozen.selector, batch.seq, 2, endsAt));
        settlement.claim(batch, CREATOR, creator, proof);
    }

    function testDisputeNeedsTheWindow() public {
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        uint64 end = time() + DISPUTE_WINDOW;
        uint256 value = allow(STRANGER, address(settlement), DISPUTE_BOND);
        vm.warp(end);
        vm.expectRevert(abi.encodeWithSelector(IClaims.DisputeTooLate.selector, 1, end, end));
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(batch, "");
        vm.warp(end - 1);
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(batch, "");
    }

    function testDisputeNeedsAPostedBatchAndTheBond() public {
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        uint256 value = allow(STRANGER, address(settlement), DISPUTE_BOND - 1);
        vm.expectRevert(
            isNative()
                ? abi.encodeWithSelector(IVault.WrongValue.selector, DISPUTE_BOND - 1, DISPUTE_BOND)
                : abi.encodeWithSignature(
                    "ERC20InsufficientAllowance(address,uint256,uint256)",
                    address(settlement),
                    DISPUTE_BOND - 1,
                    DISPUTE_BOND
                )
        );
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(batch, "");
        bytes32 posted = settlement.batchHash(1);
        batch.payoutsTotal += 1;
        vm.expectRevert(abi.encodeWithSelector(IClaims.UnknownBatch.selector, 1, keccak256(abi.encode(batch)), posted));
        settlement.openDispute(batch, "");
    }

    function testOneDisputeAtATimeUnlessItIsEarlier() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 1 ether);
        Batch memory second = postPayouts(10 ether, 2 ether, 2 ether);
        openDispute(STRANGER, second);
        uint64 endsAt = time() + RESOLVE_PERIOD;
        uint256 value = allow(OTHER, address(settlement), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IClaims.DisputeExists.selector, 1, 2));
        vm.prank(OTHER);
        settlement.openDispute{value: value}(second, "");
        vm.warp(time() + 1 hours);
        vm.prank(OTHER);
        settlement.openDispute{value: value}(first, "");
        (uint64 id, uint64 firstSeq, uint64 end, address disputer) = settlement.dispute();
        same("id", id, 2);
        same("widened", firstSeq, 1);
        same("not lengthened", end, endsAt);
        same("disputer", disputer, OTHER);
        same("first bond goes back", settlement.owed(STRANGER), DISPUTE_BOND);
    }

    function testUndecidedDisputeGivesTheBondBack() public {
        vm.expectRevert(IClaims.NoDispute.selector);
        settlement.expireDispute();
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        openDispute(STRANGER, batch);
        uint64 endsAt = time() + RESOLVE_PERIOD;
        vm.warp(endsAt);
        vm.expectRevert(abi.encodeWithSelector(IClaims.DisputeOpen.selector, 1, endsAt));
        settlement.expireDispute();
        vm.warp(endsAt + 1);
        vm.expectEmit(address(settlement));
        emit IClaims.DisputeExpired(1, 1, STRANGER);
        settlement.expireDispute();
        same("owed", settlement.owed(STRANGER), DISPUTE_BOND);
        uint256 before = balanceOf(STRANGER);
        vm.prank(STRANGER);
        settlement.collect(STRANGER);
        same("collected", balanceOf(STRANGER) - before, DISPUTE_BOND);
        same("owed after", settlement.owed(STRANGER), 0);
        same("owed in all", settlement.owedTotal(), 0);
    }

    function testDisputePastItsEndMakesRoomForANewOne() public {
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        openDispute(STRANGER, batch);
        vm.warp(time() + RESOLVE_PERIOD + 1);
        Batch memory second = postPayouts(1 ether, 2 ether, 2 ether);
        openDispute(OTHER, second);
        (, uint64 firstSeq, uint64 endsAt,) = settlement.dispute();
        same("firstSeq", firstSeq, 2);
        same("a whole period", endsAt, time() + RESOLVE_PERIOD);
        same("owed", settlement.owed(STRANGER), DISPUTE_BOND);
    }

    function testRejectedDisputePaysTheOperator() public {
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        openDispute(STRANGER, batch);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotArbiter.selector, STRANGER));
        vm.prank(STRANGER);
        settlement.rejectDispute();
        vm.expectEmit(address(settlement));
        emit IClaims.DisputeRejected(1, 1, STRANGER);
        vm.prank(ARBITER);
        settlement.rejectDispute();
        same("operator", settlement.owed(OPERATOR), DISPUTE_BOND);
        same("disputer", settlement.owed(STRANGER), 0);
        same("not upheld", settlement.upheldDisputer(1), address(0));
        matured();
        claimCreator(batch, 1 ether, 1 ether);
    }

    function testUpheldDisputeVoidsTheRootsAndANewOneTakesOver() public {
        Batch memory good = postPayouts(10 ether, 1 ether, 1 ether);
        Batch memory bad = postPayouts(10 ether, 20 ether, 0);
        Batch memory worse = postPayouts(0, 20 ether, 0);
        openDispute(STRANGER, bad);
        vm.expectEmit(address(settlement));
        emit IClaims.DisputeUpheld(1, 2, 1, STRANGER);
        vm.prank(ARBITER);
        settlement.upholdDispute(bad, good);
        same("disputer", settlement.upheldDisputer(1), STRANGER);
        same("bond", settlement.owed(STRANGER), DISPUTE_BOND);
        same("void from", settlement.voidFrom(0), 2);
        same("epoch", settlement.epoch(), 1);
        (,, uint128 payoutsNow) = settlement.totals();
        same("payouts", payoutsNow, 2 ether);

        Batch memory right = postPayouts(0, 9 ether, 9 ether);
        matured();
        isVoid(bad, 20 ether, 0);
        isVoid(worse, 20 ether, 0);
        claimCreator(good, 1 ether, 1 ether);
        claimCreator(right, 9 ether, 9 ether);
        same("paid by the right root", balanceOf(CREATOR), 9 ether);
    }

    function isVoid(Batch memory batch, uint256 creator, uint256 host) internal {
        bytes32[] memory proof = Trees.sortedProof(payouts(creator, host), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.BatchVoid.selector, batch.seq, 2));
        settlement.claim(batch, CREATOR, creator, proof);
    }

    function testVoidBatchIsNotDisputedAgainNorGood() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 1 ether);
        Batch memory bad = postPayouts(10 ether, 20 ether, 0);
        openDispute(STRANGER, bad);
        vm.prank(ARBITER);
        settlement.upholdDispute(bad, first);
        uint256 value = allow(STRANGER, address(settlement), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IClaims.BatchVoid.selector, 2, 2));
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(bad, "");

        Batch memory third = postPayouts(0, 5 ether, 5 ether);
        vm.prank(STRANGER);
        settlement.openDispute{value: value}(third, "");
        vm.expectRevert(abi.encodeWithSelector(IClaims.BatchVoid.selector, 2, 2));
        vm.prank(ARBITER);
        settlement.upholdDispute(third, bad);
        vm.prank(ARBITER);
        settlement.upholdDispute(third, first);
        same("second epoch's end", settlement.voidFrom(1), 3);
        same("epochs", settlement.epoch(), 2);
    }

    /// An older batch of an epoch that already ended: its roots go, the new epoch and its payouts stay.
    function testEarlierBatchOfAnEndedEpochCanStillBeVoided() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 1 ether);
        Batch memory second = postPayouts(10 ether, 2 ether, 2 ether);
        openDispute(STRANGER, second);
        vm.prank(ARBITER);
        settlement.upholdDispute(second, first);
        postPayouts(0, 3 ether, 3 ether);
        openDispute(STRANGER, first);
        vm.prank(ARBITER);
        settlement.upholdDispute(first, noBatch());
        same("void from", settlement.voidFrom(0), 1);
        same("epoch", settlement.epoch(), 1);
        (,, uint128 payoutsNow) = settlement.totals();
        same("payouts", payoutsNow, 6 ether);
    }

    function testUpholdingIsTheArbitersAndWithinTheDispute() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 1 ether);
        Batch memory second = postPayouts(10 ether, 2 ether, 2 ether);
        Batch memory third = postPayouts(10 ether, 3 ether, 3 ether);
        vm.expectRevert(IClaims.NoDispute.selector);
        vm.prank(ARBITER);
        settlement.upholdDispute(second, first);
        openDispute(STRANGER, second);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotArbiter.selector, STRANGER));
        vm.prank(STRANGER);
        settlement.upholdDispute(second, first);
        vm.startPrank(ARBITER);
        vm.expectRevert(abi.encodeWithSelector(IClaims.VoidFromOutOfRange.selector, 1, 2));
        settlement.upholdDispute(first, noBatch());
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotBefore.selector, 2, 2));
        settlement.upholdDispute(second, second);
        bytes32 posted = settlement.batchHash(1);
        first.payoutsTotal = 0;
        vm.expectRevert(abi.encodeWithSelector(IClaims.UnknownBatch.selector, 1, keccak256(abi.encode(first)), posted));
        settlement.upholdDispute(second, first);
        vm.warp(time() + RESOLVE_PERIOD + 1);
        vm.expectRevert(IClaims.NoDispute.selector);
        settlement.upholdDispute(third, second);
        vm.stopPrank();
    }

    function testUpholdingKeepsWhatWasClaimedCovered() public {
        Batch memory first = postPayouts(10 ether, 4 ether, 1 ether);
        matured();
        claimCreator(first, 4 ether, 1 ether);
        Batch memory second = postPayouts(10 ether, 20 ether, 0);
        openDispute(STRANGER, second);
        vm.prank(ARBITER);
        settlement.upholdDispute(second, noBatch());
        (, uint128 claimed, uint128 payoutsNow) = settlement.totals();
        same("claimed", claimed, 4 ether);
        same("payouts", payoutsNow, 4 ether);
    }

    function testHolderOfARefusedRootIsBoundByTheLastGoodTotal() public {
        Batch memory first = postPayouts(10 ether, 1 ether, 4 ether);
        Batch memory second = postPayouts(10 ether, 20 ether, 0);
        openDispute(STRANGER, second);
        vm.prank(ARBITER);
        settlement.upholdDispute(second, noBatch());
        matured();
        bytes32[] memory proof = Trees.sortedProof(payouts(1 ether, 4 ether), 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.ClaimsOverPayouts.selector, 1, 1 ether, 0));
        settlement.claim(first, CREATOR, 1 ether, proof);
    }

    // The end

    function testAbandonedContractGivesBackWhatNoPayoutCovers() public {
        deposit(OTHER, 100 ether);
        Batch memory batch = post(
            nextPost(rootOf(payouts(4 ether, 6 ether)), 10 ether),
            two(debit(PAYER_KEY, 30 ether, 30 ether), debit(OTHER_KEY, 10 ether, 10 ether))
        );
        vm.expectRevert(IClaims.NotWoundDown.selector);
        settlement.refund(PAYER);
        uint64 abandonedAt = time() + ABANDON_DELAY;
        vm.warp(abandonedAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotAbandoned.selector, abandonedAt, abandonedAt - 1));
        settlement.windDown();
        vm.warp(abandonedAt);
        vm.expectEmit(address(settlement));
        emit IClaims.WoundDown(40 ether, 10 ether, 30 ether);
        settlement.windDown();
        yes("wound down", settlement.woundDown());
        vm.expectRevert(IClaims.WindDownDone.selector);
        settlement.windDown();

        vm.expectEmit(address(settlement));
        emit IClaims.Refunded(PAYER, 22.5 ether);
        settlement.refund(PAYER);
        settlement.refund(OTHER);
        same("three quarters", settlement.owed(PAYER), 22.5 ether);
        same("one quarter", settlement.owed(OTHER), 7.5 ether);
        vm.expectRevert(abi.encodeWithSelector(IClaims.AlreadyRefunded.selector, PAYER));
        settlement.refund(PAYER);
        claimCreator(batch, 4 ether, 6 ether);
        settlement.claim(batch, HOST, 6 ether, Trees.sortedProof(payouts(4 ether, 6 ether), 1));
        vm.prank(PAYER);
        settlement.collect(PAYER);
        vm.prank(OTHER);
        settlement.collect(OTHER);
        vm.prank(PAYER);
        settlement.requestWithdrawal(70 ether);
        vm.prank(OTHER);
        settlement.requestWithdrawal(90 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
        vm.prank(OTHER);
        settlement.withdraw(OTHER);
        same("nothing stuck", balanceOf(address(settlement)), 0);

        Post memory p = nextPost(0, 10 ether);
        vm.expectRevert(IClaims.WindDownDone.selector);
        vm.prank(OPERATOR);
        settlement.post(p, DA, none());
    }

    function testPostRestartsTheClockOfAbandonment() public {
        vm.warp(time() + ABANDON_DELAY - 1);
        Post memory p = nextPost(0, 0);
        p.periodEnd = p.periodStart;
        post(p, none());
        uint64 abandonedAt = time() + ABANDON_DELAY;
        vm.warp(time() + 1);
        vm.expectRevert(abi.encodeWithSelector(IClaims.NotAbandoned.selector, abandonedAt, time()));
        settlement.windDown();
    }

    function testUnusedContractWindsDownWithNothingToShare() public {
        vm.warp(time() + ABANDON_DELAY);
        settlement.windDown();
        settlement.refund(PAYER);
        same("owed", settlement.owed(PAYER), 0);
    }

    /// Payouts to any beneficiaries in a tree of any shape: each is paid its part, in any order, and the sum is right.
    function testFuzzEveryLeafOfEveryTreeIsPaid(uint256 seed, uint8 size) public {
        uint256 n = 1 + (size % 17);
        address[] memory who = new address[](n);
        uint256[] memory cumulative = new uint256[](n);
        uint256 total = 0;
        for (uint256 i = 0; i < n; ++i) {
            who[i] = address(uint160(uint256(keccak256(abi.encode(seed, "who", i)))));
            cumulative[i] = 1 + uint256(keccak256(abi.encode(seed, i))) % 1 ether;
            total += cumulative[i];
        }
        bytes32[] memory leaves = Trees.payoutLeaves(who, cumulative);
        Batch memory batch =
            post(nextPost(rootOf(leaves), uint128(total)), one(debit(PAYER_KEY, uint96(total), uint96(total))));
        matured();
        for (uint256 k = 0; k < n; ++k) {
            uint256 i = (k + seed % n) % n;
            settlement.claim(batch, who[i], cumulative[i], Trees.sortedProof(leaves, i));
            same("paid", balanceOf(who[i]), cumulative[i]);
        }
        same("what is left", balanceOf(address(settlement)), 100 ether - total);
    }
}

contract ClaimsNativeTest is ClaimsSuite {
    function testRefusingBeneficiaryIsOwedAndStopsNobody() public {
        Wallet wallet = new Wallet(address(0));
        for (uint256 mode = 1; mode < 3; ++mode) {
            uint256 id = vm.snapshotState();
            wallet.set(Wallet.Mode(mode));
            bytes32[] memory leaves = Trees.payoutLeaves(pair(address(wallet), HOST), pair(uint256(3 ether), 7 ether));
            Batch memory batch = post(nextPost(rootOf(leaves), 10 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
            matured();
            Payout[] memory all = new Payout[](2);
            all[0] = payout(address(wallet), 3 ether, Trees.sortedProof(leaves, 0));
            all[1] = payout(HOST, 7 ether, Trees.sortedProof(leaves, 1));
            settlement.claimMany(batch, all);
            same("the other is paid", balanceOf(HOST), 7 ether);
            same("owed", settlement.owed(address(wallet)), 3 ether);
            wallet.run(address(settlement), 0, abi.encodeWithSelector(IVault.collect.selector, STRANGER));
            same("collected elsewhere", balanceOf(STRANGER), 1003 ether);
            vm.revertToState(id);
        }
    }

    /// Two receivers that burn whatever they are given, before an honest one: neither a thrifty call nor one with all the
    /// gas that a transaction may carry (EIP-7825) runs dry. Without a cap each would leave a 64th.
    function testGreedyBeneficiariesCannotStarveTheNext() public {
        address[] memory who = new address[](3);
        uint256[] memory cumulative = new uint256[](3);
        for (uint256 i = 0; i < 2; ++i) {
            Wallet greedy = new Wallet(address(0));
            greedy.set(Wallet.Mode.EatGas);
            (who[i], cumulative[i]) = (address(greedy), 1 ether);
        }
        (who[2], cumulative[2]) = (HOST, 8 ether);
        bytes32[] memory leaves = Trees.payoutLeaves(who, cumulative);
        Batch memory batch = post(nextPost(rootOf(leaves), 10 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        Payout[] memory all = new Payout[](3);
        for (uint256 i = 0; i < 3; ++i) {
            all[i] = payout(who[i], cumulative[i], Trees.sortedProof(leaves, i));
        }
        uint256[2] memory gases = [uint256(1_000_000), 16_777_216];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 id = vm.snapshotState();
            settlement.claimMany{gas: gases[i]}(batch, all);
            same("the honest one is paid", balanceOf(HOST), 8 ether);
            same("the first is owed", settlement.owed(who[0]), 1 ether);
            same("the second is owed", settlement.owed(who[1]), 1 ether);
            vm.revertToState(id);
        }
    }

    function testTooLittleGasIsNotARefusal() public {
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        bytes32[] memory proof = Trees.sortedProof(payouts(3 ether, 7 ether), 0);
        (bool done, bytes memory failure) = address(settlement).call{gas: 120_000}(
            abi.encodeWithSelector(IClaims.claim.selector, batch, CREATOR, 3 ether, proof)
        );
        yes("refused", !done);
        same("by name", bytes32(bytes4(failure)), bytes32(IVault.TooLittleGas.selector));
        same("nothing owed", settlement.owed(CREATOR), 0);
    }

    function testBondIsExact() public {
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongValue.selector, DISPUTE_BOND + 1, DISPUTE_BOND));
        vm.prank(STRANGER);
        settlement.openDispute{value: DISPUTE_BOND + 1}(batch, "");
    }
}

contract ClaimsTokenTest is ClaimsSuite {
    function isNative() internal pure override returns (bool) {
        return false;
    }
}
