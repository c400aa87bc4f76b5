// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Bond} from "../src/Bond.sol";
import {Hashing} from "../src/Hashing.sol";
import {IBond} from "../src/IBond.sol";
import {IPrices} from "../src/IPrices.sol";
import {IVault} from "../src/ISettlement.sol";
import {Batch, Debit, PriceId, Receipt} from "../src/Types.sol";
import {Receipts} from "./Receipts.sol";
import {Trees} from "./Trees.sol";

/// Run for the native coin and for an ERC-20.
abstract contract StakeSuite is Receipts {
    function setUp() public override {
        super.setUp();
        deposit(PAYER, 500 ether);
    }

    function stake(address who, uint256 amount) internal returns (uint256 shares) {
        uint256 value = allow(who, address(bond), amount);
        vm.prank(who);
        return bond.stake{value: value}(amount);
    }

    /// Fees reach the bond as any beneficiary's payout does.
    function payFees(uint96 cumulative) internal {
        (, uint96 spent,) = settlement.account(PAYER);
        bytes32[] memory leaves = Trees.payoutLeaves(pair(address(bond), HOST), pair(uint256(cumulative), 1));
        Batch memory batch = post(
            nextPost(rootOf(leaves), cumulative + 1), one(debit(PAYER_KEY, cumulative + 1 - spent, cumulative + 1))
        );
        matured();
        settlement.claim(batch, address(bond), cumulative, Trees.sortedProof(leaves, 0));
    }

    /// A fault that needs no batch: two receipts for one request.
    function slash() internal {
        Receipt memory a = receipt(PAYER, 1, AMOUNT);
        Receipt memory b = receipt(PAYER, 1, AMOUNT + 1);
        bytes memory sa = signed(OPERATOR_KEY, a);
        bytes memory sb = signed(OPERATOR_KEY, b);
        vm.prank(HOST);
        bond.slashConflictingReceipts(a, sa, b, sb);
    }

    function testStakeMakesShares() public {
        uint256 value = allow(OPERATOR, address(bond), 100 ether);
        vm.expectEmit(address(bond));
        emit IBond.Staked(OPERATOR, 100 ether, 100 ether);
        vm.prank(OPERATOR);
        same("shares", bond.stake{value: value}(100 ether), 100 ether);
        (uint256 assets, uint256 shares, uint256 earning) = bond.pool();
        same("assets", assets, 100 ether);
        same("shares", shares, 100 ether);
        same("earning", earning, 100 ether);
        same("held", balanceOf(address(bond)), 100 ether);
    }

    function testStakeHasALeast() public {
        uint256 value = allow(OPERATOR, address(bond), 1e6 - 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.StakeTooSmall.selector, 1e6 - 1, 1e6));
        vm.prank(OPERATOR);
        bond.stake{value: value}(1e6 - 1);
        same("the least", stake(OPERATOR, 1e6), 1e6);
    }

    function testSharesFollowThePoolAfterASlash() public {
        stake(OPERATOR, 100 ether);
        slash();
        same("a new staker buys in at the lower price", stake(STRANGER, 80 ether), 100 ether);
        (uint256 assets, uint256 shares,) = bond.pool();
        same("assets", assets, 160 ether);
        same("shares", shares, 200 ether);
    }

    function testUnbondingWaitsAndPaysOnce() public {
        stake(OPERATOR, 100 ether);
        stake(STRANGER, 50 ether);
        uint64 readyAt = time() + UNBONDING;
        vm.startPrank(OPERATOR);
        vm.expectRevert(IVault.ZeroAmount.selector);
        bond.requestUnbond(0);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotEnoughShares.selector, OPERATOR, 100 ether + 1, 100 ether));
        bond.requestUnbond(100 ether + 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.NoUnbonding.selector, OPERATOR));
        bond.unbond(OPERATOR);
        vm.expectEmit(address(bond));
        emit IBond.UnbondRequested(OPERATOR, 40 ether, readyAt);
        bond.requestUnbond(40 ether);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("to")));
        bond.unbond(address(0));
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.UnbondTooEarly.selector, OPERATOR, readyAt, readyAt - 1));
        bond.unbond(HOST);
        vm.warp(readyAt);
        vm.expectEmit(address(bond));
        emit IBond.Unbonded(OPERATOR, HOST, 40 ether, 40 ether);
        same("paid", bond.unbond(HOST), 40 ether);
        same("received", balanceOf(HOST), 40 ether);
        vm.expectRevert(abi.encodeWithSelector(IBond.NoUnbonding.selector, OPERATOR));
        bond.unbond(HOST);
        vm.stopPrank();
        (uint256 assets, uint256 shares, uint256 earning) = bond.pool();
        same("assets", assets, 110 ether);
        same("shares", shares, 110 ether);
        same("earning", earning, 110 ether);
    }

    function testUnbondingStakeIsSlashedToo() public {
        stake(OPERATOR, 100 ether);
        vm.prank(OPERATOR);
        bond.requestUnbond(50 ether);
        slash();
        vm.warp(time() + UNBONDING);
        vm.prank(OPERATOR);
        same("a fifth less", bond.unbond(HOST), 40 ether);
    }

    function testSecondRequestRestartsTheClock() public {
        stake(OPERATOR, 100 ether);
        vm.startPrank(OPERATOR);
        bond.requestUnbond(10 ether);
        vm.warp(time() + UNBONDING);
        bond.requestUnbond(10 ether);
        vm.expectRevert(abi.encodeWithSelector(IBond.UnbondTooEarly.selector, OPERATOR, time() + UNBONDING, time()));
        bond.unbond(OPERATOR);
        vm.stopPrank();
        same("both wait", bond.staker(OPERATOR).unbonding, 20 ether);
    }

    function testCancelledUnbondingEarnsAgain() public {
        stake(OPERATOR, 100 ether);
        vm.startPrank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IBond.NoUnbonding.selector, OPERATOR));
        bond.cancelUnbond();
        bond.requestUnbond(100 ether);
        vm.expectEmit(address(bond));
        emit IBond.UnbondCancelled(OPERATOR);
        bond.cancelUnbond();
        vm.stopPrank();
        same("waiting", bond.staker(OPERATOR).unbonding, 0);
        payFees(3 ether);
        vm.prank(OPERATOR);
        same("reward", bond.takeReward(OPERATOR), 3 ether);
    }

    function testDisputeHoldsStakeBackForOnePeriodAtMost() public {
        stake(OPERATOR, 100 ether);
        vm.prank(OPERATOR);
        bond.requestUnbond(100 ether);
        vm.warp(time() + UNBONDING);
        uint64 readyAt = time();
        Batch memory batch = postPayouts(1 ether, 0, 0);
        vm.warp(readyAt + DISPUTE_WINDOW - 1);
        openDispute(STRANGER, batch);
        uint64 until = readyAt + RESOLVE_PERIOD;
        vm.expectRevert(abi.encodeWithSelector(IBond.UnbondFrozen.selector, OPERATOR, until));
        vm.prank(OPERATOR);
        bond.unbond(OPERATOR);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IBond.UnbondFrozen.selector, OPERATOR, until));
        vm.prank(OPERATOR);
        bond.unbond(OPERATOR);
        vm.warp(until + 1);
        (,, uint64 endsAt,) = settlement.dispute();
        yes("the dispute is still open", endsAt > time());
        vm.prank(OPERATOR);
        same("paid", bond.unbond(OPERATOR), 100 ether);
    }

    function testFreezeEndsWithItsDispute() public {
        stake(OPERATOR, 100 ether);
        Batch memory batch = postPayouts(1 ether, 0, 0);
        vm.prank(OPERATOR);
        bond.requestUnbond(100 ether);
        openDispute(STRANGER, batch);
        vm.warp(time() + UNBONDING);
        vm.prank(OPERATOR);
        same("paid", bond.unbond(OPERATOR), 100 ether);
    }

    // Fees

    function testFeesAreSharedByStakeAndTime() public {
        stake(OPERATOR, 100 ether);
        payFees(3 ether);
        stake(STRANGER, 200 ether);
        payFees(9 ether);
        vm.expectEmit(address(bond));
        emit IBond.Rewarded(6 ether, 0.05e27);
        bond.distribute();
        vm.prank(OPERATOR);
        same("all of the first, a third of the second", bond.takeReward(HOST), 5 ether);
        vm.expectEmit(address(bond));
        emit IBond.RewardPaid(STRANGER, CREATOR, 4 ether);
        vm.prank(STRANGER);
        same("two thirds of the second", bond.takeReward(CREATOR), 4 ether);
        same("received", balanceOf(CREATOR), 4 ether);
        same("stake is left", balanceOf(address(bond)), 300 ether);
    }

    function testUnbondingSharesEarnNothing() public {
        stake(OPERATOR, 100 ether);
        stake(STRANGER, 100 ether);
        vm.prank(STRANGER);
        bond.requestUnbond(100 ether);
        payFees(3 ether);
        vm.prank(OPERATOR);
        same("all", bond.takeReward(OPERATOR), 3 ether);
        vm.expectRevert(abi.encodeWithSelector(IBond.NoReward.selector, STRANGER));
        vm.prank(STRANGER);
        bond.takeReward(STRANGER);
    }

    function testRewardIsPaidOnceAndSomewhere() public {
        stake(OPERATOR, 100 ether);
        payFees(3 ether);
        vm.startPrank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("to")));
        bond.takeReward(address(0));
        bond.takeReward(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IBond.NoReward.selector, OPERATOR));
        bond.takeReward(OPERATOR);
        vm.stopPrank();
    }

    function testFeesWithoutStakersGoToTheTreasury() public {
        payFees(3 ether);
        bond.distribute();
        same("owed", bond.owed(TREASURY), 3 ether);
        bond.distribute();
        same("once", bond.owed(TREASURY), 3 ether);
        vm.prank(TREASURY);
        bond.collect(TREASURY);
        same("collected", balanceOf(TREASURY), 3 ether);
    }

    function testSlashTouchesNoReward() public {
        stake(OPERATOR, 100 ether);
        payFees(3 ether);
        slash();
        vm.prank(OPERATOR);
        same("reward", bond.takeReward(OPERATOR), 3 ether);
        vm.prank(HOST);
        same("reporter", bond.collect(HOST), 2 ether);
        vm.prank(TREASURY);
        same("treasury", bond.collect(TREASURY), 18 ether);
        same("stake", balanceOf(address(bond)), 80 ether);
    }

    /// Any stakes, fees and slashes: nobody gets more than the pool has, and what is paid and left is what came in.
    function testFuzzPoolConserves(uint96[4] memory stakes, uint96 fees, bool slashed, uint8 leaver) public {
        uint256 total = 0;
        address[4] memory who = [OPERATOR, STRANGER, OTHER, PAYER];
        for (uint256 i = 0; i < 4; ++i) {
            stakes[i] = uint96(1e6 + stakes[i] % 300 ether);
            stake(who[i], stakes[i]);
            total += stakes[i];
        }
        fees = uint96(1 + fees % 100 ether);
        payFees(fees);
        vm.prank(who[leaver % 4]);
        bond.requestUnbond(stakes[leaver % 4]);
        if (slashed) {
            slash();
        }
        uint256 paid = 0;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 expected = uint256(fees) * stakes[i] / total;
            uint256 reward = bond.staker(who[i]).reward;
            if (i != leaver % 4) {
                vm.prank(who[i]);
                bond.requestUnbond(stakes[i]);
                reward = bond.staker(who[i]).reward;
            }
            yes("fair to a unit", reward <= expected && reward + 1 >= expected);
            paid += reward;
        }
        yes("never more than came in", paid <= fees && paid + 4 >= fees);
        vm.warp(time() + UNBONDING);
        uint256 out = 0;
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(who[i]);
            out += bond.unbond(CREATOR);
        }
        (uint256 assets, uint256 shares,) = bond.pool();
        same("no share left", shares, 0);
        same("no stake left", assets, 0);
        same("out", out, slashed ? total - total * SLASH_BPS / 10_000 : total);
        yes("rewards are covered", balanceOf(address(bond)) >= paid + bond.owedTotal());
    }
}

contract StakeNativeTest is StakeSuite {}

contract StakeTokenTest is StakeSuite {
    function isNative() internal pure override returns (bool) {
        return false;
    }
}

/// What is slashed, and what is not.
contract FaultsTest is Receipts {
    uint96 internal constant PRICE_AMOUNT = 56; // ceil(ceil((100 * 100 + 200 * 200) / 1000) / 0.9)

    function setUp() public override {
        super.setUp();
        vm.deal(OPERATOR, 1000 ether);
        vm.startPrank(OPERATOR);
        bond.stake{value: 100 ether}(100 ether);
        prices.register(100, 200, 0, 1000);
        vm.stopPrank();
        address[2] memory payers = [PAYER, OTHER];
        for (uint256 i = 0; i < 2; ++i) {
            deposit(payers[i], 500 ether);
            vm.prank(payers[i]);
            settlement.setStandingLimit(OPERATOR, 500 ether);
        }
    }

    function slashedBy(IBond.Fault fault, uint64 seq) internal {
        bytes32 id = keccak256(abi.encode(fault, seq));
        vm.expectEmit(address(bond));
        emit IBond.Slashed(fault, id, STRANGER, 20 ether, 2 ether);
        vm.prank(STRANGER);
    }

    function afterSlash(IBond.Fault fault, uint64 seq) internal view {
        (uint256 assets,,) = bond.pool();
        same("assets", assets, 80 ether);
        same("reporter", bond.owed(STRANGER), 2 ether);
        same("treasury", bond.owed(TREASURY), 18 ether);
        yes("marked", bond.slashed(keccak256(abi.encode(fault, seq))));
    }

    function again(IBond.Fault fault, uint64 seq) internal {
        vm.expectRevert(abi.encodeWithSelector(IBond.AlreadySlashed.selector, keccak256(abi.encode(fault, seq))));
    }

    // Conflicting receipts

    function conflict(uint256 keyA, uint256 keyB)
        internal
        view
        returns (Receipt memory a, bytes memory sa, Receipt memory b, bytes memory sb)
    {
        a = receipt(PAYER, 1, AMOUNT);
        b = receipt(PAYER, 1, AMOUNT);
        b.outputHash = keccak256("another output");
        (sa, sb) = (signed(keyA, a), signed(keyB, b));
    }

    function testTwoReceiptsForOneRequestCost() public {
        (Receipt memory a, bytes memory sa, Receipt memory b, bytes memory sb) = conflict(OPERATOR_KEY, OPERATOR_KEY);
        bytes32 id = keccak256(abi.encode(IBond.Fault.ConflictingReceipts, OPERATOR));
        vm.expectEmit(address(bond));
        emit IBond.Slashed(IBond.Fault.ConflictingReceipts, id, STRANGER, 20 ether, 2 ether);
        vm.prank(STRANGER);
        bond.slashConflictingReceipts(a, sa, b, sb);
        same("reporter", bond.owed(STRANGER), 2 ether);
        vm.expectRevert(abi.encodeWithSelector(IBond.AlreadySlashed.selector, id));
        bond.slashConflictingReceipts(b, sb, a, sa);
    }

    function testHonestReceiptsDoNotConflict() public {
        Receipt memory a = receipt(PAYER, 1, AMOUNT);
        Receipt memory b = receipt(PAYER, 2, AMOUNT);
        bytes memory sa = signed(OPERATOR_KEY, a);
        bytes memory sb = signed(OPERATOR_KEY, b);
        vm.expectRevert(abi.encodeWithSelector(IBond.DifferentRequests.selector, a.requestId, b.requestId));
        bond.slashConflictingReceipts(a, sa, b, sb);
        bytes32 hash = hashOf(a);
        vm.expectRevert(abi.encodeWithSelector(IBond.SameReceipt.selector, hash));
        bond.slashConflictingReceipts(a, sa, a, sa);
    }

    function testForgedReceiptsCostNothing() public {
        (Receipt memory a, bytes memory sa, Receipt memory b, bytes memory sb) = conflict(OPERATOR_KEY, OTHER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IBond.SignersDiffer.selector, OPERATOR, OTHER));
        bond.slashConflictingReceipts(a, sa, b, sb);
        (a, sa, b, sb) = conflict(OTHER_KEY, OTHER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotLiable.selector, OTHER, 0));
        bond.slashConflictingReceipts(a, sa, b, sb);
    }

    function testReplacedKeyIsLiableForOneUnbonding() public {
        (Receipt memory a, bytes memory sa, Receipt memory b, bytes memory sb) = conflict(OPERATOR_KEY, OPERATOR_KEY);
        uint64 until = time();
        vm.prank(OWNER);
        settlement.setOperator(OTHER);
        vm.warp(until + UNBONDING + 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotLiable.selector, OPERATOR, until));
        bond.slashConflictingReceipts(a, sa, b, sb);
        vm.warp(until + UNBONDING);
        bond.slashConflictingReceipts(a, sa, b, sb);
    }

    // Double charge

    function testOneRequestChargedTwiceInOneBatchCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        list[2] = list[0];
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        IBond.Inclusion memory a = inclusion(proof, list, 0);
        IBond.Inclusion memory b = inclusion(proof, list, 2);
        slashedBy(IBond.Fault.DoubleCharge, 1);
        bond.slashDoubleCharge(list[0], a, list[2], b);
        afterSlash(IBond.Fault.DoubleCharge, 1);
        again(IBond.Fault.DoubleCharge, 1);
        bond.slashDoubleCharge(list[2], b, list[0], a);
    }

    function testOneRequestChargedInTwoBatchesCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 2);
        IBond.Inclusion memory a = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        IBond.Inclusion memory b = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        slashedBy(IBond.Fault.DoubleCharge, 2);
        bond.slashDoubleCharge(list[1], b, list[1], a);
        afterSlash(IBond.Fault.DoubleCharge, 2);
    }

    function testOneRequestChargedToTwoPayersCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 1);
        IBond.DebitProof[] memory proofs = postProven(two(debitFor(PAYER, list), debitFor(OTHER, list)));
        IBond.Inclusion memory a = inclusion(proofs[0], list, 0);
        IBond.Inclusion memory b = inclusion(proofs[1], list, 0);
        slashedBy(IBond.Fault.DoubleCharge, 1);
        bond.slashDoubleCharge(list[0], a, list[0], b);
        afterSlash(IBond.Fault.DoubleCharge, 1);
    }

    function testHonestBatchIsNoDoubleCharge() public {
        Receipt[] memory list = receiptsOf(PAYER, 2);
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        IBond.Inclusion memory a = inclusion(proof, list, 0);
        IBond.Inclusion memory b = inclusion(proof, list, 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.DifferentRequests.selector, list[0].requestId, list[1].requestId));
        bond.slashDoubleCharge(list[0], a, list[1], b);
        vm.expectRevert(abi.encodeWithSelector(IBond.SamePosition.selector, PAYER, 1));
        bond.slashDoubleCharge(list[1], b, list[1], b);
        b.index = 0;
        a.index = 1;
        vm.expectPartialRevert(IBond.NotInTree.selector);
        bond.slashDoubleCharge(list[0], a, list[0], b);
    }

    /// Anyone holds a charged receipt of its own; the second charge must be as real as the first, or an honest pool would
    /// be drained with it, batch by batch.
    function testSecondChargeMadeUpCostsNothing() public {
        Receipt[] memory list = receiptsOf(PAYER, 2);
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        IBond.Inclusion memory real = inclusion(proof, list, 0);
        IBond.Inclusion memory madeUp = inclusion(proof, list, 1);
        madeUpCharge(list[0], real, madeUp, IBond.NotInTree.selector);
        madeUp = inclusion(copyOf(proof), list, 0);
        madeUp.charged.debit.payer = OTHER;
        madeUpCharge(list[0], real, madeUp, IBond.NotInBatch.selector);
        madeUp = inclusion(copyOf(proof), list, 0);
        madeUp.charged.debit.payer = OTHER;
        madeUp.charged.batch.seq = 2;
        madeUpCharge(list[0], real, madeUp, IBond.UnknownBatch.selector);
        (uint256 assets,,) = bond.pool();
        same("assets", assets, 100 ether);
    }

    /// Memory is shared by reference: what is made up must not change the real proof with it.
    function copyOf(IBond.DebitProof memory proof) private pure returns (IBond.DebitProof memory) {
        return abi.decode(abi.encode(proof), (IBond.DebitProof));
    }

    function madeUpCharge(Receipt memory r, IBond.Inclusion memory real, IBond.Inclusion memory madeUp, bytes4 failure)
        private
    {
        vm.expectPartialRevert(failure);
        bond.slashDoubleCharge(r, real, r, madeUp);
        vm.expectPartialRevert(failure);
        bond.slashDoubleCharge(r, madeUp, r, real);
    }

    // Wrong sum

    /// Nodes from the root to the leaf at `index`.
    function openings(Trees.Sums memory leaves, uint256 index) internal pure returns (IBond.Opening[] memory list) {
        uint256 depth = Trees.sumProof(leaves, index).length;
        list = new IBond.Opening[](depth);
        uint256 from = 0;
        uint256 count = leaves.hashes.length;
        for (uint256 i = 0; i < depth; ++i) {
            uint256 left = Trees.split(count);
            (bytes32 lh, uint256 ls) = Trees.sumRoot(leaves, from, left);
            (bytes32 rh, uint256 rs) = Trees.sumRoot(leaves, from + left, count - left);
            bool goRight = index >= from + left;
            list[i] = IBond.Opening(IBond.Sum(lh, ls), IBond.Sum(rh, rs), goRight);
            if (goRight) {
                (from, count) = (from + left, count - left);
            } else {
                count = left;
            }
        }
    }

    function first(IBond.Opening[] memory list, uint256 n) internal pure returns (IBond.Opening[] memory short) {
        short = new IBond.Opening[](n);
        for (uint256 i = 0; i < n; ++i) {
            short[i] = list[i];
        }
    }

    function testRootThatSumsToSomethingElseCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        Debit memory d = debitFor(PAYER, list);
        d.amounts = amounts(d.amounts.delta() + 1, 0, 0);
        IBond.DebitProof memory proof = postProven(one(d))[0];
        IBond.Opening[] memory opened = first(openings(leavesOf(list, 0), 0), 1);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongSum(proof, opened);
        afterSlash(IBond.Fault.WrongSum, 1);
        again(IBond.Fault.WrongSum, 1);
        bond.slashWrongSum(proof, opened);
    }

    /// An inner node that says more than its children hold, in every place of a tree of five.
    function testNodeThatSumsToSomethingElseCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 5);
        Trees.Sums memory leaves = leavesOf(list, 0);
        (bytes32 l, uint256 ls) = Trees.sumRoot(leaves, 0, 4);
        Debit memory d = debitFor(PAYER, list);
        d.subRoot = Hashing.sumNode(l, ls + 7, leaves.hashes[4], leaves.sums[4]);
        d.amounts = amounts(d.amounts.delta() + 7, 0, 0);
        IBond.DebitProof memory proof = postProven(one(d))[0];
        IBond.Opening[] memory opened = openings(leaves, 0);
        opened[0].left.sum = ls + 7;
        IBond.Opening[] memory top = first(opened, 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.SumsAgree.selector, d.amounts.delta()));
        bond.slashWrongSum(proof, top);
        opened = first(opened, 2);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongSum(proof, opened);
        afterSlash(IBond.Fault.WrongSum, 1);
    }

    /// Sums so large that adding them would overflow cannot hide.
    function testSumThatWouldOverflowCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 2);
        Trees.Sums memory leaves = leavesOf(list, 0);
        uint256 max = type(uint256).max;
        Debit memory d = debitFor(PAYER, list);
        d.subRoot = Hashing.sumNode(leaves.hashes[0], max, leaves.hashes[1], max);
        IBond.DebitProof memory proof = postProven(one(d))[0];
        IBond.Opening[] memory opened = new IBond.Opening[](1);
        opened[0] = IBond.Opening(IBond.Sum(leaves.hashes[0], max), IBond.Sum(leaves.hashes[1], max), false);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongSum(proof, opened);
        afterSlash(IBond.Fault.WrongSum, 1);
    }

    function testLeafThatIsNotItsSumCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        Trees.Sums memory leaves = leavesOf(list, 0);
        leaves.sums[2] += 5;
        (bytes32 root, uint256 sum) = Trees.sumRoot(leaves, 0, 3);
        Debit memory d = debitFor(PAYER, list);
        (d.subRoot, d.amounts) = (root, amounts(uint96(sum), 0, 0));
        IBond.DebitProof memory proof = postProven(one(d))[0];
        IBond.Opening[] memory opened = openings(leaves, 2);
        bytes32 hash = hashOf(list[2]);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongLeaf(proof, opened, 2, hash, list[2].amount);
        afterSlash(IBond.Fault.WrongSum, 1);
    }

    function testOnlyLeafThatIsNotTheDebitCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 1);
        Debit memory d = debitFor(PAYER, list);
        d.amounts = amounts(d.amounts.delta() + 1, 0, 0);
        IBond.DebitProof memory proof = postProven(one(d))[0];
        bytes32 hash = hashOf(list[0]);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongLeaf(proof, new IBond.Opening[](0), 0, hash, list[0].amount);
        afterSlash(IBond.Fault.WrongSum, 1);
    }

    function testLeafWithAnotherPositionCosts() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        Trees.Sums memory leaves = leavesOf(list, 0);
        leaves.hashes[2] = Hashing.receiptLeaf(1, hashOf(list[2]), list[2].amount);
        Debit memory d = debitFor(PAYER, list);
        (d.subRoot,) = Trees.sumRoot(leaves, 0, 3);
        IBond.DebitProof memory proof = postProven(one(d))[0];
        IBond.Opening[] memory opened = openings(leaves, 2);
        bytes32 hash = hashOf(list[2]);
        slashedBy(IBond.Fault.WrongSum, 1);
        bond.slashWrongLeaf(proof, opened, 1, hash, list[2].amount);
        afterSlash(IBond.Fault.WrongSum, 1);
    }

    /// No opening of an honest tree, of any size and at any leaf, proves a fault.
    function testFuzzHonestTreeHasNoWrongSum(uint8 size, uint8 at_, uint8 cut) public {
        uint256 n = 1 + size % 20;
        uint256 index = at_ % n;
        Receipt[] memory list = receiptsOf(PAYER, n);
        Trees.Sums memory leaves = leavesOf(list, 0);
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        IBond.Opening[] memory opened = openings(leaves, index);
        bytes32 hash = hashOf(list[index]);
        vm.expectRevert(abi.encodeWithSelector(IBond.LeafAgrees.selector, index, list[index].amount));
        bond.slashWrongLeaf(proof, opened, uint64(index), hash, list[index].amount);
        if (opened.length > 0) {
            opened = first(opened, 1 + cut % opened.length);
            IBond.Opening memory last = opened[opened.length - 1];
            vm.expectRevert(abi.encodeWithSelector(IBond.SumsAgree.selector, last.left.sum + last.right.sum));
            bond.slashWrongSum(proof, opened);
        }
    }

    function testOpeningsMustBeTheTreesOwn() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        Trees.Sums memory leaves = leavesOf(list, 0);
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        vm.expectRevert(IBond.NoOpening.selector);
        bond.slashWrongSum(proof, new IBond.Opening[](0));
        IBond.Opening[] memory opened = openings(leaves, 2);
        IBond.Opening[] memory top = first(opened, 1);
        top[0].left.sum += 1;
        bytes32 given = Hashing.sumNode(top[0].left.hash, top[0].left.sum, top[0].right.hash, top[0].right.sum);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotAnOpening.selector, given, proof.debit.subRoot));
        bond.slashWrongSum(proof, top);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotALeaf.selector, 3));
        bond.slashWrongLeaf(proof, new IBond.Opening[](0), 0, 0, 0);
        IBond.Opening[] memory deep = new IBond.Opening[](2);
        (deep[0], deep[1]) = (openings(leaves, 2)[0], openings(leaves, 2)[0]);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotANode.selector, 1));
        bond.slashWrongSum(proof, deep);
        opened = openings(leaves, 2);
        given = Hashing.receiptLeaf(2, "no", 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotAnOpening.selector, given, leaves.hashes[2]));
        bond.slashWrongLeaf(proof, opened, 2, "no", 1);
    }

    // Inclusion

    /// Every receipt of every tree is found at its place and at no other.
    function testFuzzInclusion(uint8 size, uint8 at_, uint8 other) public {
        uint256 n = 1 + size % 33;
        uint64 index = uint64(at_ % n);
        Receipt[] memory skipped = receiptsOf(PAYER, 3);
        postProven(one(debitFor(PAYER, skipped)));
        Receipt[] memory list = receiptsOf(PAYER, n);
        IBond.DebitProof[] memory proofs = postProven(two(debitFor(PAYER, list), debitFor(OTHER, receiptsOf(OTHER, 2))));
        IBond.DebitProof memory proof = proofs[proofs[0].debit.payer == PAYER ? 0 : 1];
        same("goes on after the first batch", proof.debit.firstSeq, 3);
        IBond.Inclusion memory in_ = inclusion(proof, list, index);
        bond.requireCharged(list[index], in_);
        if (other % n != index) {
            in_.index = uint64(other % n);
            (bool found,) = address(bond).call(abi.encodeWithSelector(IBond.requireCharged.selector, list[index], in_));
            yes("not elsewhere", !found);
        }
    }

    function testInclusionRefusesWhatIsNotThere() public {
        Receipt[] memory list = receiptsOf(PAYER, 3);
        IBond.DebitProof memory proof = postProven(one(debitFor(PAYER, list)))[0];
        IBond.Inclusion memory in_ = inclusion(proof, list, 2);
        in_.index = 3;
        vm.expectRevert(abi.encodeWithSelector(IBond.IndexOutOfRange.selector, 3, 3));
        bond.requireCharged(list[2], in_);
        in_ = inclusion(proof, list, 2);
        IBond.Sum[] memory longer = new IBond.Sum[](2);
        longer[0] = in_.siblings[0];
        in_.siblings = longer;
        vm.expectRevert(abi.encodeWithSelector(IBond.ProofTooLong.selector, 2, 1));
        bond.requireCharged(list[2], in_);

        in_ = inclusion(proof, list, 2);
        Receipt memory forged = list[2];
        forged.traceHash = "forged";
        Trees.Sums memory leaves = leavesOf(list, 0);
        leaves.hashes[2] = Hashing.receiptLeaf(2, hashOf(forged), forged.amount);
        (bytes32 root, uint256 sum) = Trees.sumRoot(leaves, 0, 3);
        vm.expectRevert(
            abi.encodeWithSelector(IBond.NotInTree.selector, root, sum, proof.debit.subRoot, proof.debit.delta)
        );
        bond.requireCharged(forged, in_);

        list = receiptsOf(PAYER, 3);
        in_.charged.debit.delta += 1;
        bytes32 leaf = Hashing.debitLeaf(
            PAYER, proof.debit.firstSeq, proof.debit.count, in_.charged.debit.delta, proof.debit.subRoot
        );
        vm.expectRevert(abi.encodeWithSelector(IBond.NotInBatch.selector, 1, leaf, proof.batch.receiptsRoot));
        bond.requireCharged(list[2], in_);

        in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 2);
        in_.charged.batch.receiptsRoot = "forged";
        vm.expectRevert(
            abi.encodeWithSelector(
                IBond.UnknownBatch.selector, 2, keccak256(abi.encode(in_.charged.batch)), settlement.batchHash(2)
            )
        );
        bond.requireCharged(list[2], in_);
    }

    /// A receipt whose tree says its sum but whose debit took another is found by its root and refused by its sum.
    function testInclusionNeedsTheDebitsSum() public {
        Receipt[] memory list = receiptsOf(PAYER, 2);
        Debit memory d = debitFor(PAYER, list);
        uint96 sum = d.amounts.delta();
        d.amounts = amounts(sum + 1, 0, 0);
        IBond.Inclusion memory in_ = inclusion(postProven(one(d))[0], list, 0);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotInTree.selector, d.subRoot, sum, d.subRoot, sum + 1));
        bond.requireCharged(list[0], in_);
    }

    // Price and payer

    function priced(uint96 amount) internal view returns (Receipt[] memory list) {
        list = new Receipt[](2);
        list[0] = receipt(PAYER, 0, PRICE_AMOUNT);
        list[1] = receipt(PAYER, 1, amount);
    }

    function testWrongAmountCosts() public {
        for (uint96 amount = PRICE_AMOUNT - 1; amount <= PRICE_AMOUNT + 1; amount += 2) {
            uint256 id = vm.snapshotState();
            Receipt[] memory list = priced(amount);
            IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
            slashedBy(IBond.Fault.WrongPrice, 1);
            bond.slashWrongPrice(list[1], in_);
            afterSlash(IBond.Fault.WrongPrice, 1);
            again(IBond.Fault.WrongPrice, 1);
            bond.slashWrongPrice(list[1], in_);
            vm.revertToState(id);
        }
    }

    function testRightAmountCostsNothing() public {
        Receipt[] memory list = priced(PRICE_AMOUNT);
        IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.PriceAgrees.selector, PRICE_AMOUNT));
        bond.slashWrongPrice(list[1], in_);
        vm.expectRevert(abi.encodeWithSelector(IBond.PayerAgrees.selector, PAYER));
        bond.slashWrongPayer(list[1], in_);
    }

    function testPriceThatDidNotExistCosts() public {
        for (uint64 id = 0; id < 3; id += 2) {
            uint256 state = vm.snapshotState();
            Receipt[] memory list = priced(PRICE_AMOUNT);
            list[1].priceId = PriceId.wrap(id);
            IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
            slashedBy(IBond.Fault.WrongPrice, 1);
            bond.slashWrongPrice(list[1], in_);
            vm.revertToState(state);
        }
    }

    function testPriceOfLaterThanTheReceiptCosts() public {
        Receipt[] memory list = priced(PRICE_AMOUNT);
        list[1].timestamp = time() - 1;
        IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        slashedBy(IBond.Fault.WrongPrice, 1);
        bond.slashWrongPrice(list[1], in_);
    }

    /// An unknown price asks for nothing, and so does a receipt of zero, but they do not agree: an operator cannot give
    /// requests away under prices that it never registered, or registered afterwards.
    function testFreeReceiptUnderNoPriceCosts() public {
        for (uint64 id = 0; id < 3; ++id) {
            uint256 state = vm.snapshotState();
            Receipt[] memory list = priced(0);
            list[1].priceId = PriceId.wrap(id);
            list[1].timestamp = id == 1 ? time() - 1 : time();
            IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
            slashedBy(IBond.Fault.WrongPrice, 1);
            bond.slashWrongPrice(list[1], in_);
            afterSlash(IBond.Fault.WrongPrice, 1);
            vm.revertToState(state);
        }
    }

    function testFreeReceiptUnderAFreePriceCostsNothing() public {
        vm.prank(OPERATOR);
        prices.register(0, 0, 0, 0);
        Receipt[] memory list = priced(0);
        list[1].priceId = PriceId.wrap(2);
        IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        vm.expectRevert(abi.encodeWithSelector(IBond.PriceAgrees.selector, 0));
        bond.slashWrongPrice(list[1], in_);
    }

    function testUnchargedReceiptIsNoWrongPrice() public {
        Receipt[] memory list = priced(PRICE_AMOUNT);
        IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        list[1].amount += 1;
        (bool done, bytes memory failure) =
            address(bond).call(abi.encodeWithSelector(IBond.slashWrongPrice.selector, list[1], in_));
        yes("refused", !done);
        same("by name", bytes32(bytes4(failure)), bytes32(IBond.NotInTree.selector));
    }

    function testReceiptOfAnotherPayerCosts() public {
        Receipt[] memory list = receiptsOf(OTHER, 2);
        IBond.Inclusion memory in_ = inclusion(postProven(one(debitFor(PAYER, list)))[0], list, 1);
        slashedBy(IBond.Fault.WrongPayer, 1);
        bond.slashWrongPayer(list[1], in_);
        afterSlash(IBond.Fault.WrongPayer, 1);
    }

    // Disputes

    function testUpheldDisputeCostsAndPaysItsDisputer() public {
        vm.expectRevert(abi.encodeWithSelector(IBond.NotUpheld.selector, 1));
        bond.slashUpheldDispute(1);
        Batch memory bad = postPayouts(10 ether, 10 ether, 0);
        openDispute(STRANGER, bad);
        vm.expectRevert(abi.encodeWithSelector(IBond.NotUpheld.selector, 1));
        bond.slashUpheldDispute(1);
        vm.prank(ARBITER);
        settlement.upholdDispute(bad, noBatch());
        vm.prank(HOST);
        bond.slashUpheldDispute(1);
        same("disputer", bond.owed(STRANGER), 2 ether);
        same("messenger", bond.owed(HOST), 0);
        again(IBond.Fault.UpheldDispute, 1);
        bond.slashUpheldDispute(1);
    }

    // Terms

    function testBondRefusesBadTerms() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("treasury")));
        new Bond(settlement, prices, address(0), UNBONDING, SLASH_BPS, REPORTER_BPS);
        vm.expectRevert(abi.encodeWithSelector(IBond.ShareOutOfRange.selector, bytes32("slashBps"), 5001, 5000));
        new Bond(settlement, prices, TREASURY, UNBONDING, 5001, REPORTER_BPS);
        vm.expectRevert(abi.encodeWithSelector(IBond.ShareOutOfRange.selector, bytes32("reporterBps"), 5001, 5000));
        new Bond(settlement, prices, TREASURY, UNBONDING, SLASH_BPS, 5001);
        uint64 least = DISPUTE_WINDOW + RESOLVE_PERIOD;
        vm.expectRevert(abi.encodeWithSelector(IBond.UnbondingTooShort.selector, least - 1, least));
        new Bond(settlement, prices, TREASURY, least - 1, SLASH_BPS, REPORTER_BPS);
        Bond b = new Bond(settlement, prices, TREASURY, least, 5000, 5000);
        same("settlement", b.settlement(), address(settlement));
        same("prices", b.prices(), address(prices));
        same("treasury", b.treasury(), TREASURY);
        same("unbondingDelay", b.unbondingDelay(), least);
        same("slashBps", b.slashBps(), 5000);
        same("reporterBps", b.reporterBps(), 5000);
    }

    function testPricesAreTheOperatorsAndNeverChange() public {
        vm.expectRevert(abi.encodeWithSelector(IPrices.NotOperator.selector, STRANGER, OPERATOR));
        vm.prank(STRANGER);
        prices.register(1, 1, 1, 1);
        vm.startPrank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IPrices.PlatformBpsTooHigh.selector, 10_000, 9999));
        prices.register(1, 1, 1, 10_000);
        vm.expectEmit(address(prices));
        emit IPrices.PriceRegistered(PriceId.wrap(2), IPrices.Price(1, 2, 3, 9999, time()));
        same("id", PriceId.unwrap(prices.register(1, 2, 3, 9999)), 2);
        vm.stopPrank();
        same("count", prices.count(), 2);
        same("settlement", prices.settlement(), address(settlement));
        IPrices.Price memory p = prices.price(PriceId.wrap(2));
        same("input", p.inputRate, 1);
        same("output", p.outputRate, 2);
        same("flat", p.platformFlat, 3);
        same("bps", p.platformBps, 9999);
        same("registeredAt", p.registeredAt, time());
    }

    /// One OPEN gross at ten per cent: the example of the fee rules. And the formula against itself in other words.
    function testAmountsFollowTheFormula() public {
        vm.prank(OPERATOR);
        prices.register(3 ether, 4.5 ether, 0, 1000);
        Receipt memory r = receipt(PAYER, 1, 0);
        (r.priceId, r.tokensIn, r.tokensOut) = (PriceId.wrap(2), 0, 200);
        (bool known, uint256 amount) = prices.amountOf(r);
        yes("known", known);
        same("one OPEN", amount, 1 ether);
    }

    function testFuzzAmount(uint96 rateIn, uint96 rateOut, uint96 flat, uint16 bps, uint64 tokensIn, uint64 tokensOut)
        public
    {
        bps = bps % 10_000;
        vm.prank(OPERATOR);
        prices.register(rateIn, rateOut, flat, bps);
        Receipt memory r = receipt(PAYER, 1, 0);
        (r.priceId, r.tokensIn, r.tokensOut) = (PriceId.wrap(2), tokensIn, tokensOut);
        (, uint256 amount) = prices.amountOf(r);
        uint256 rated = uint256(tokensIn) * rateIn + uint256(tokensOut) * rateOut;
        uint256 usage = rated / 1000 + (rated % 1000 == 0 ? 0 : 1);
        uint256 gross = amount - flat;
        yes("enough", gross * (10_000 - bps) >= usage * 10_000);
        yes("not a unit more", gross == 0 || (gross - 1) * (10_000 - bps) < usage * 10_000);
    }
}
