// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Hashing} from "../src/Hashing.sol";
import {IBond} from "../src/IBond.sol";
import {IClaims, IEscrow, ISettlement, IVault} from "../src/ISettlement.sol";
import {Settlement} from "../src/Settlement.sol";
import {Batch, Debit, Payout, Post, Refusal, SpendingLimit} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Wallet} from "./Parties.sol";
import {Trees} from "./Trees.sol";

/// Each attack on the money, by whoever would gain from it, and the error that stops it.
contract AttacksTest is Fixture {
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

    function badSignature(Debit memory d) internal view {
        (Refusal[] memory refusals,,) = settlement.checkDebits(one(d));
        same("refused", uint256(refusals[0]), uint256(Refusal.BadSignature));
    }

    function testLimitSignedForAnotherChainIsWorthNothing() public {
        Debit memory d = debit(PAYER_KEY, 1 ether, 2 ether);
        vm.chainId(161_201);
        badSignature(d);
    }

    function testLimitSignedForAnotherContractIsWorthNothing() public {
        Debit memory d = debit(PAYER_KEY, 1 ether, 2 ether);
        settlement = new Settlement(terms());
        deposit(PAYER, 10 ether);
        badSignature(d);
    }

    function testMalleatedSignatureIsWorthNothing() public {
        SpendingLimit memory l = limitOf(PAYER, PAYER, 2 ether, NEVER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, settlement.limitDigest(l));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory malleated = abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitSignatureInvalid.selector, PAYER));
        settlement.acceptLimit(l, malleated);
    }

    /// An unset account or a failed recovery is address(0); neither may pay.
    function testNobodyPaysForNobody() public {
        Debit memory d = Debit(address(0), address(0), amounts(0, 0, 0), 1, 0, 0, 0);
        refuses(
            nextPost(0, 0),
            one(d),
            abi.encodeWithSelector(ISettlement.DebitRefused.selector, 0, address(0), Refusal.OutOfOrder, 0, 0)
        );
    }

    function testOldHigherLimitDoesNotOutliveItsExpiry() public {
        uint64 end = time() + 1 hours;
        Debit memory old = debitBy(PAYER, PAYER_KEY, 50 ether, 50 ether, end);
        vm.warp(end + 1);
        refuses(
            nextPost(0, 0),
            one(old),
            abi.encodeWithSelector(ISettlement.DebitRefused.selector, 0, PAYER, Refusal.Expired, end + 1, end)
        );
    }

    function testWithdrawalCannotOutrunSettlement() public {
        Debit memory used = debit(PAYER_KEY, 80 ether, 80 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(100 ether);
        post(nextPost(0, 0), one(used));
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        same("only what is left", settlement.withdraw(PAYER), 20 ether);
    }

    function testKeyRemovalCannotOutrunSettlement() public {
        vm.prank(PAYER);
        settlement.addSessionKey(SESSION, 80 ether, NEVER);
        Debit memory used = debitBy(PAYER, SESSION_KEY, 80 ether, 80 ether, NEVER);
        vm.prank(PAYER);
        settlement.removeSessionKey(SESSION);
        vm.warp(time() + WITHDRAW_DELAY);
        post(nextPost(0, 0), one(used));
        (, uint96 spent,) = settlement.account(PAYER);
        same("charged", spent, 80 ether);
    }

    /// A reorganisation took the deposit away: its payer is named and left out, the others are charged.
    function testReorgedDepositStopsNobodyElse() public {
        uint256 beforeDeposit = vm.snapshotState();
        deposit(PAYER, 400 ether);
        Debit memory gone = debit(PAYER_KEY, 300 ether, 300 ether);
        Debit memory good = debit(OTHER_KEY, 1 ether, 1 ether);
        vm.revertToState(beforeDeposit);
        Debit[] memory debits = two(gone, good);
        refuses(
            nextPost(0, 0),
            debits,
            abi.encodeWithSelector(
                ISettlement.DebitRefused.selector,
                debits[0].payer == PAYER ? 0 : 1,
                PAYER,
                Refusal.OverDeposit,
                300 ether,
                100 ether
            )
        );
        post(nextPost(0, 0), one(good));
    }

    /// A wallet that says yes when it is asked and no when it counts: a post never asks it.
    function testRevertingWalletStopsNobody() public {
        Wallet wallet = new Wallet(PAYER);
        fund(address(wallet), 10 ether);
        deposit(address(wallet), 10 ether);
        SpendingLimit memory l = limitOf(address(wallet), address(wallet), 4 ether, NEVER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, settlement.limitDigest(l));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
        wallet.set(Wallet.Mode.Revert);
        post(nextPost(0, 0), two(debitOnChain(address(wallet), 4 ether), debit(OTHER_KEY, 1 ether, 1 ether)));
        (, uint96 spent,) = settlement.account(address(wallet));
        same("the wallet paid", spent, 4 ether);
        (, spent,) = settlement.account(OTHER);
        same("so did the other", spent, 1 ether);
    }

    function testRevertingWalletCannotEvenBeAsked() public {
        Wallet wallet = new Wallet(PAYER);
        SpendingLimit memory l = limitOf(address(wallet), address(wallet), 4 ether, NEVER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, settlement.limitDigest(l));
        wallet.set(Wallet.Mode.Revert);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitSignatureInvalid.selector, address(wallet)));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
    }

    // Second preimages

    /// A node of the payouts tree read as a leaf: single hashing would let it through, double hashing does not.
    function testNodeIsNoPayoutLeaf() public {
        bytes32 left = bytes32(uint256(uint160(STRANGER)));
        bytes32 right = bytes32(uint256(5 ether));
        Batch memory batch =
            post(nextPost(keccak256(abi.encode(left, right)), 10 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        vm.expectRevert(abi.encodeWithSelector(IClaims.PayoutNotInRoot.selector, 1, STRANGER, 5 ether));
        settlement.claim(batch, STRANGER, 5 ether, new bytes32[](0));
    }

    function testProofOfANodeIsNoProofOfALeaf() public {
        bytes32[] memory leaves = payouts(3 ether, 7 ether);
        Batch memory batch = post(nextPost(rootOf(leaves), 10 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leaves[0];
        vm.expectRevert(abi.encodeWithSelector(IClaims.PayoutNotInRoot.selector, 1, STRANGER, 7 ether));
        settlement.claim(batch, STRANGER, 7 ether, proof);
    }

    // The thief of the operator's key

    function testStolenOperatorKeyIsWorthlessOnceReplaced() public {
        Debit memory d = debit(PAYER_KEY, 1 ether, 100 ether);
        vm.prank(OWNER);
        settlement.setOperator(HOST);
        Post memory p = nextPost(0, 0);
        refuses(p, one(d), abi.encodeWithSelector(ISettlement.NotOperator.selector, OPERATOR, HOST));
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.DebitRefused.selector, 0, PAYER, Refusal.OverLimit, 1 ether, 0)
        );
        vm.prank(HOST);
        settlement.post(p, DA, one(debitOnChain(PAYER, 1 ether)));
    }

    /// The worst a thief can do: charge up to the limits and pay itself. The window, a dispute and a new operator end it.
    function testThiefGetsNothingIfSomebodyDisputes() public {
        Batch memory good = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        bytes32[] memory toThief = Trees.payoutLeaves(pair(STRANGER, HOST), pair(uint256(103 ether), 7 ether));
        Batch memory theft = post(nextPost(rootOf(toThief), 110 ether), one(debit(OTHER_KEY, 100 ether, 100 ether)));
        openDispute(PAYER, theft);
        vm.prank(OWNER);
        settlement.setOperator(HOST);
        vm.prank(ARBITER);
        settlement.upholdDispute(theft, good);
        vm.warp(time() + 30 days);
        bytes32[] memory proof = Trees.sortedProof(toThief, 0);
        vm.expectRevert(abi.encodeWithSelector(IClaims.BatchVoid.selector, 2, 2));
        settlement.claim(theft, STRANGER, 103 ether, proof);
        claimCreator(good, 3 ether, 7 ether);
    }

    function testOwnerAndArbiterTouchNoMoney() public {
        postPayouts(10 ether, 3 ether, 7 ether);
        address[2] memory who = [OWNER, ARBITER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(who[i]);
            vm.expectRevert(abi.encodeWithSelector(IEscrow.NoWithdrawal.selector, who[i]));
            settlement.withdraw(who[i]);
            vm.expectRevert(abi.encodeWithSelector(IVault.NothingOwed.selector, who[i]));
            settlement.collect(who[i]);
            Post memory p = nextPost(0, 10 ether);
            vm.expectRevert(abi.encodeWithSelector(ISettlement.NotOperator.selector, who[i], OPERATOR));
            settlement.post(p, DA, none());
            vm.stopPrank();
        }
    }

    // Reentrancy

    function testReceiverOfAClaimCannotComeBackIn() public {
        Wallet wallet = new Wallet(address(0));
        bytes32[] memory leaves = Trees.payoutLeaves(pair(address(wallet), HOST), pair(uint256(3 ether), 7 ether));
        Batch memory batch = post(nextPost(rootOf(leaves), 10 ether), one(debit(PAYER_KEY, 10 ether, 10 ether)));
        matured();
        bytes[] memory calls = new bytes[](6);
        calls[0] = abi.encodeCall(IClaims.claim, (batch, HOST, 7 ether, Trees.sortedProof(leaves, 1)));
        calls[1] = abi.encodeCall(IClaims.claimMany, (batch, new Payout[](0)));
        calls[2] = abi.encodeCall(IEscrow.withdraw, (address(wallet)));
        calls[3] = abi.encodeCall(IVault.collect, (address(wallet)));
        calls[4] = abi.encodeCall(IEscrow.deposit, (address(wallet), 0));
        calls[5] = abi.encodeCall(IClaims.openDispute, (batch, 0));
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 id = vm.snapshotState();
            wallet.reenter(address(settlement), calls[i]);
            settlement.claim(batch, address(wallet), 3 ether, Trees.sortedProof(leaves, 0));
            same("paid once", address(wallet).balance, 3 ether);
            yes("stopped", !wallet.reentered());
            same("by the guard", wallet.failure(), REENTRANT);
            vm.revertToState(id);
        }
    }

    bytes32 private constant REENTRANT = bytes32(bytes4(keccak256("ReentrancyGuardReentrantCall()")));

    function testReceiverOfAWithdrawalCannotComeBackIn() public {
        Wallet wallet = new Wallet(address(0));
        fund(address(wallet), 10 ether);
        wallet.run(address(settlement), 10 ether, abi.encodeCall(IEscrow.deposit, (address(wallet), 10 ether)));
        wallet.run(address(settlement), 0, abi.encodeCall(IEscrow.requestWithdrawal, (10 ether)));
        vm.warp(time() + WITHDRAW_DELAY);
        wallet.reenter(address(settlement), abi.encodeCall(IEscrow.withdraw, (address(wallet))));
        wallet.run(address(settlement), 0, abi.encodeCall(IEscrow.withdraw, (address(wallet))));
        same("paid once", address(wallet).balance, 10 ether);
        same("by the guard", wallet.failure(), REENTRANT);
    }

    function testStakerCannotComeBackIn() public {
        Wallet wallet = new Wallet(address(0));
        fund(address(wallet), 10 ether);
        wallet.run(address(bond), 10 ether, abi.encodeCall(IBond.stake, (10 ether)));
        wallet.run(address(bond), 0, abi.encodeCall(IBond.requestUnbond, (10 ether)));
        vm.warp(time() + UNBONDING);
        bytes[] memory calls = new bytes[](6);
        calls[0] = abi.encodeCall(IBond.unbond, (address(wallet)));
        calls[1] = abi.encodeCall(IBond.stake, (0));
        calls[2] = abi.encodeCall(IBond.requestUnbond, (1));
        calls[3] = abi.encodeCall(IBond.cancelUnbond, ());
        calls[4] = abi.encodeCall(IBond.takeReward, (address(wallet)));
        calls[5] = abi.encodeCall(IBond.distribute, ());
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 id = vm.snapshotState();
            wallet.reenter(address(bond), calls[i]);
            wallet.run(address(bond), 0, abi.encodeCall(IBond.unbond, (address(wallet))));
            same("paid once", address(wallet).balance, 10 ether);
            same("by the guard", wallet.failure(), REENTRANT);
            vm.revertToState(id);
        }
    }
}
