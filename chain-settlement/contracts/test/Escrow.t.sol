// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IEscrow, IVault} from "../src/ISettlement.sol";
import {Settlement} from "../src/Settlement.sol";
import {Batch, Debit, Refusal, SpendingLimit, Terms} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {Wallet} from "./Parties.sol";

/// Run for the native coin and for an ERC-20.
abstract contract EscrowSuite is Fixture {
    function testDepositCreditsThePayerAndNobodyElse() public {
        uint256 value = allow(STRANGER, address(settlement), 7 ether);
        vm.expectEmit(address(settlement));
        emit IEscrow.Deposited(PAYER, STRANGER, 7 ether, 7 ether);
        vm.prank(STRANGER);
        settlement.deposit{value: value}(PAYER, 7 ether);

        (uint96 deposited, uint96 spent, uint64 nextSeq) = settlement.account(PAYER);
        same("deposited", deposited, 7 ether);
        same("spent", spent, 0);
        same("nextSeq", nextSeq, 0);
        (deposited,,) = settlement.account(STRANGER);
        same("the sender's account", deposited, 0);
        same("held", balanceOf(address(settlement)), 7 ether);
    }

    function testDepositRefusesNothingAndNobody() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("payer")));
        settlement.deposit(address(0), 1);
        vm.expectRevert(IVault.ZeroAmount.selector);
        settlement.deposit(PAYER, 0);
    }

    function testDepositRefusesAnotherValueThanItSays() public {
        allow(STRANGER, address(settlement), 7 ether);
        vm.deal(STRANGER, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(IVault.WrongValue.selector, 6 ether, isNative() ? 7 ether : uint256(0)));
        vm.prank(STRANGER);
        settlement.deposit{value: 6 ether}(PAYER, 7 ether);
    }

    function testDepositRefusesMoreThanAnAccountHolds() public {
        uint96 max = type(uint96).max;
        fund(STRANGER, max);
        uint256 value = allow(STRANGER, address(settlement), max);
        vm.prank(STRANGER);
        settlement.deposit{value: value}(PAYER, max);
        value = allow(STRANGER, address(settlement), 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.DepositOverflow.selector, PAYER, max, 1));
        vm.prank(STRANGER);
        settlement.deposit{value: value}(PAYER, 1);
    }

    function testWithdrawalPaysWhatWasAskedAfterTheDelay() public {
        deposit(PAYER, 10 ether);
        vm.expectEmit(address(settlement));
        emit IEscrow.WithdrawalRequested(PAYER, 4 ether, time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        (uint96 amount, uint64 readyAt) = settlement.withdrawal(PAYER);
        same("amount", amount, 4 ether);

        vm.warp(readyAt);
        vm.expectEmit(address(settlement));
        emit IEscrow.Withdrawn(PAYER, HOST, 4 ether);
        vm.prank(PAYER);
        same("paid", settlement.withdraw(HOST), 4 ether);
        same("receiver", balanceOf(HOST), 4 ether);
        same("held", balanceOf(address(settlement)), 6 ether);
        (uint96 deposited,,) = settlement.account(PAYER);
        same("deposited", deposited, 6 ether);
    }

    function testWithdrawalWaitsItsDelay() public {
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        uint64 readyAt = time() + WITHDRAW_DELAY;
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WithdrawalTooEarly.selector, PAYER, readyAt, readyAt - 1));
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
    }

    function testWithdrawalPaysOnce() public {
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoWithdrawal.selector, PAYER));
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
    }

    function testWithdrawalPaysWhatIsLeftWhenUsageWasSettledMeanwhile() public {
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(9 ether);
        postPayouts(6 ether, 1 ether, 0);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        same("paid", settlement.withdraw(HOST), 4 ether);
        same("receiver", balanceOf(HOST), 4 ether);
    }

    function testWithdrawalOfNothingLeftIsRefusedAndKept() public {
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(9 ether);
        postPayouts(10 ether, 1 ether, 0);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingAvailable.selector, PAYER, 9 ether, 0));
        vm.prank(PAYER);
        settlement.withdraw(HOST);
    }

    function testWithdrawalRequestIsBounded() public {
        deposit(PAYER, 10 ether);
        postPayouts(6 ether, 1 ether, 0);
        vm.expectRevert(IVault.ZeroAmount.selector);
        vm.prank(PAYER);
        settlement.requestWithdrawal(0);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingAvailable.selector, PAYER, 4 ether + 1, 4 ether));
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether + 1);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
    }

    function testNewRequestReplacesTheOldAndItsClock() public {
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.prank(PAYER);
        settlement.requestWithdrawal(5 ether);
        (uint96 amount, uint64 readyAt) = settlement.withdrawal(PAYER);
        same("amount", amount, 5 ether);
        same("readyAt", readyAt, time() + WITHDRAW_DELAY);
    }

    function testCancelledWithdrawalPaysNothing() public {
        deposit(PAYER, 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoWithdrawal.selector, PAYER));
        vm.prank(PAYER);
        settlement.cancelWithdrawal();
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        vm.expectEmit(address(settlement));
        emit IEscrow.WithdrawalCancelled(PAYER);
        vm.prank(PAYER);
        settlement.cancelWithdrawal();
        vm.warp(time() + WITHDRAW_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoWithdrawal.selector, PAYER));
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
    }

    function testWithdrawalNamesAReceiver() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("to")));
        settlement.withdraw(address(0));
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("to")));
        settlement.collect(address(0));
    }

    function testNothingOwedIsNothingCollected() public {
        vm.expectRevert(abi.encodeWithSelector(IVault.NothingOwed.selector, STRANGER));
        vm.prank(STRANGER);
        settlement.collect(STRANGER);
    }

    /// Whatever is asked and settled, a withdrawal pays min(asked, available) and the books stay in step.
    function testFuzzWithdrawal(uint96 deposited, uint96 asked, uint96 used) public {
        deposited = uint96(1 + (deposited % 900 ether));
        asked = uint96(1 + (asked % deposited));
        used = uint96(used % deposited);
        deposit(PAYER, deposited);
        vm.prank(PAYER);
        settlement.requestWithdrawal(asked);
        postPayouts(used, 0, 0);
        vm.warp(time() + WITHDRAW_DELAY);
        uint96 left = deposited - used;
        uint96 expected = asked < left ? asked : left;
        vm.prank(PAYER);
        same("paid", settlement.withdraw(HOST), expected);
        same("received", balanceOf(HOST), expected);
        (uint96 nowDeposited, uint96 spent,) = settlement.account(PAYER);
        same("available", nowDeposited - spent, left - expected);
    }
}

contract EscrowNativeTest is EscrowSuite {
    function testPlainTransferIsRefused() public {
        (bool sent,) = address(settlement).call{value: 1 ether}("");
        yes("refused", !sent);
    }

    function testRefusingReceiverHarmsOnlyItself() public {
        Wallet wallet = new Wallet(address(0));
        deposit(PAYER, 10 ether);
        vm.prank(PAYER);
        settlement.requestWithdrawal(4 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        wallet.set(Wallet.Mode.Revert);
        vm.expectRevert(abi.encodeWithSelector(IVault.TransferRefused.selector, address(wallet), 4 ether));
        vm.prank(PAYER);
        settlement.withdraw(address(wallet));
        vm.prank(PAYER);
        same("the request stands", settlement.withdraw(PAYER), 4 ether);
    }
}

contract EscrowTokenTest is EscrowSuite {
    function isNative() internal pure override returns (bool) {
        return false;
    }
}

/// What may be charged, and when it stops.
contract LimitsTest is Fixture {
    function setUp() public override {
        super.setUp();
        deposit(PAYER, 100 ether);
    }

    function refusalOf(Debit memory d) internal view returns (Refusal, uint256, uint256) {
        (Refusal[] memory refusals, uint256[] memory w, uint256[] memory a) = settlement.checkDebits(one(d));
        return (refusals[0], w[0], a[0]);
    }

    function allowed(string memory what, Debit memory d) internal view {
        (Refusal refusal,,) = refusalOf(d);
        same(what, uint256(refusal), uint256(Refusal.None));
    }

    function refused(string memory what, Debit memory d, Refusal expected, uint256 wanted, uint256 limit)
        internal
        view
    {
        (Refusal refusal, uint256 w, uint256 a) = refusalOf(d);
        same(what, uint256(refusal), uint256(expected));
        same(string.concat(what, ": wanted"), w, wanted);
        same(string.concat(what, ": allowed"), a, limit);
    }

    function testStandingLimitRaisesAtOnce() public {
        vm.expectEmit(address(settlement));
        emit IEscrow.StandingLimitSet(OPERATOR, PAYER, 5 ether, 5 ether, time());
        vm.prank(PAYER);
        settlement.setStandingLimit(OPERATOR, 5 ether);
        allowed("up to it", debitOnChain(PAYER, 5 ether));
        refused("past it", debitOnChain(PAYER, 5 ether + 1), Refusal.OverLimit, 5 ether + 1, 5 ether);
    }

    function testStandingLimitIsOneOperators() public {
        vm.prank(PAYER);
        settlement.setStandingLimit(STRANGER, 5 ether);
        refused("another's", debitOnChain(PAYER, 1), Refusal.OverLimit, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("operator")));
        settlement.setStandingLimit(address(0), 1);
    }

    function testStandingLimitCutWaits() public {
        vm.startPrank(PAYER);
        settlement.setStandingLimit(OPERATOR, 5 ether);
        uint64 from = time() + WITHDRAW_DELAY;
        vm.expectEmit(address(settlement));
        emit IEscrow.StandingLimitSet(OPERATOR, PAYER, 5 ether, 2 ether, from);
        settlement.setStandingLimit(OPERATOR, 2 ether);
        vm.stopPrank();
        vm.warp(from - 1);
        allowed("before", debitOnChain(PAYER, 5 ether));
        vm.warp(from);
        refused("after", debitOnChain(PAYER, 2 ether + 1), Refusal.OverLimit, 2 ether + 1, 2 ether);
        (uint96 current, uint96 next, uint64 effectiveAt) = settlement.standingLimit(OPERATOR, PAYER);
        same("current", current, 5 ether);
        same("next", next, 2 ether);
        same("effectiveAt", effectiveAt, from);
    }

    function testSecondCutCannotHurryTheFirst() public {
        vm.startPrank(PAYER);
        settlement.setStandingLimit(OPERATOR, 5 ether);
        settlement.setStandingLimit(OPERATOR, 2 ether);
        vm.warp(time() + WITHDRAW_DELAY - 1);
        settlement.setStandingLimit(OPERATOR, 0);
        vm.stopPrank();
        vm.warp(time() + WITHDRAW_DELAY - 1);
        allowed("the old limit still counts", debitOnChain(PAYER, 5 ether));
    }

    function testSignedLimitCountsToItsLastSecond() public {
        uint64 end = time() + 100;
        Debit memory d = debitBy(PAYER, PAYER_KEY, 3 ether, 3 ether, end);
        vm.warp(end);
        allowed("on it", d);
        vm.warp(end + 1);
        refused("after it", d, Refusal.Expired, end + 1, end);
    }

    function testSignedLimitIsCumulative() public {
        Debit memory d = debit(PAYER_KEY, 3 ether, 5 ether);
        post(nextPost(0, 0), one(d));
        refused("twice", d, Refusal.OverLimit, 6 ether, 5 ether);
        allowed("the rest", debit(PAYER_KEY, 2 ether, 5 ether));
    }

    function testOverDepositIsRefusedBeforeTheLimit() public view {
        refused("deposit", debit(PAYER_KEY, 100 ether + 1, 900 ether), Refusal.OverDeposit, 100 ether + 1, 100 ether);
    }

    function testReceiptCountIsBounded() public view {
        Debit memory d = debit(PAYER_KEY, 1, 1);
        d.count = 0;
        refused("none", d, Refusal.CountOutOfRange, 0, type(uint32).max);
        d.count = uint64(type(uint32).max) + 1;
        refused("too many", d, Refusal.CountOutOfRange, d.count, type(uint32).max);
        d.count = type(uint32).max;
        allowed("the most", d);
    }

    function testEveryFieldOfALimitIsSigned() public view {
        Debit memory good = debit(PAYER_KEY, 1 ether, 2 ether);
        allowed("as signed", good);

        Debit memory d = debit(PAYER_KEY, 1 ether, 2 ether);
        d.amounts = amounts(1 ether, 3 ether, NEVER);
        badSignature("limit", d);
        d.amounts = amounts(1 ether, 2 ether, NEVER - 1);
        badSignature("expiry", d);
        d = debit(PAYER_KEY, 1 ether, 2 ether);
        d.r = bytes32(uint256(d.r) ^ 1);
        badSignature("r", d);
        d = debit(PAYER_KEY, 1 ether, 2 ether);
        d.vs = bytes32(uint256(d.vs) ^ (1 << 255));
        badSignature("parity", d);
        d = debit(OTHER_KEY, 1 ether, 2 ether);
        d.payer = PAYER;
        d.signer = PAYER;
        badSignature("payer", d);
    }

    function badSignature(string memory what, Debit memory d) internal view {
        (Refusal refusal,, uint256 expected) = refusalOf(d);
        same(what, uint256(refusal), uint256(Refusal.BadSignature));
        same(string.concat(what, ": signer"), expected, uint160(d.signer));
    }

    function testLimitForAnotherOperatorCountsForNothing() public {
        Debit memory d = debit(PAYER_KEY, 1 ether, 2 ether);
        vm.prank(OWNER);
        settlement.setOperator(STRANGER);
        badSignature("the old operator's", d);
    }

    // Session keys

    function testSessionKeySignsUpToItsCap() public {
        Debit memory d = debitBy(PAYER, SESSION_KEY, 2 ether, 50 ether, NEVER);
        refused("unknown", d, Refusal.UnknownKey, uint160(SESSION), 0);
        uint64 end = time() + 30 days;
        vm.expectEmit(address(settlement));
        emit IEscrow.SessionKeySet(PAYER, SESSION, 2 ether, end);
        vm.prank(PAYER);
        settlement.addSessionKey(SESSION, 2 ether, end);
        allowed("known", d);
        refused(
            "past its cap",
            debitBy(PAYER, SESSION_KEY, 2 ether + 1, 50 ether, NEVER),
            Refusal.OverLimit,
            2 ether + 1,
            2 ether
        );
        refused(
            "past its limit",
            debitBy(PAYER, SESSION_KEY, 1 ether + 1, 1 ether, NEVER),
            Refusal.OverLimit,
            1 ether + 1,
            1 ether
        );
        vm.warp(end);
        allowed("its last second", d);
        vm.warp(end + 1);
        refused("past its time", d, Refusal.Expired, end + 1, end);
    }

    function testSessionKeyIsOnePayers() public {
        deposit(OTHER, 10 ether);
        vm.prank(PAYER);
        settlement.addSessionKey(SESSION, 2 ether, NEVER);
        refused("another's", debitBy(OTHER, SESSION_KEY, 1, 1, NEVER), Refusal.UnknownKey, uint160(SESSION), 0);
    }

    function testSessionKeyRemovalWaits() public {
        vm.startPrank(PAYER);
        settlement.addSessionKey(SESSION, 2 ether, NEVER);
        uint64 end = time() + WITHDRAW_DELAY;
        vm.expectEmit(address(settlement));
        emit IEscrow.SessionKeySet(PAYER, SESSION, 2 ether, end);
        settlement.removeSessionKey(SESSION);
        vm.warp(end - 10);
        settlement.removeSessionKey(SESSION);
        vm.stopPrank();
        (uint96 cap, uint64 validUntil) = settlement.sessionKey(PAYER, SESSION);
        same("cap", cap, 2 ether);
        same("a second removal does not lengthen it", validUntil, end);
        vm.warp(end + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NoSessionKey.selector, PAYER, SESSION));
        vm.prank(PAYER);
        settlement.removeSessionKey(SESSION);
    }

    function testSessionKeyOnlyGrowsWhileItLives() public {
        uint64 end = time() + 30 days;
        vm.startPrank(PAYER);
        settlement.addSessionKey(SESSION, 2 ether, end);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SessionKeyCut.selector, PAYER, SESSION, 2 ether, end));
        settlement.addSessionKey(SESSION, 2 ether - 1, end);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SessionKeyCut.selector, PAYER, SESSION, 2 ether, end));
        settlement.addSessionKey(SESSION, 2 ether, end - 1);
        settlement.addSessionKey(SESSION, 3 ether, end + 1);
        vm.warp(end + 2);
        settlement.addSessionKey(SESSION, 1, end + 9);
        vm.stopPrank();
        (uint96 cap,) = settlement.sessionKey(PAYER, SESSION);
        same("a dead key starts anew", cap, 1);
    }

    function testSessionKeyMustBeAKeyWithTime() public {
        uint64 start = time();
        vm.startPrank(PAYER);
        vm.expectRevert(abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("key")));
        settlement.addSessionKey(address(0), 1, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SessionKeyInvalid.selector, PAYER, PAYER, NEVER));
        settlement.addSessionKey(PAYER, 1, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.SessionKeyInvalid.selector, PAYER, SESSION, start));
        settlement.addSessionKey(SESSION, 1, start);
        vm.stopPrank();
    }

    // Limits put on the chain

    function accept(SpendingLimit memory l, uint256 key) internal {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, settlement.limitDigest(l));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
    }

    function testContractWalletPaysByALimitOnTheChain() public {
        Wallet wallet = new Wallet(PAYER);
        fund(address(wallet), 10 ether);
        deposit(address(wallet), 10 ether);
        SpendingLimit memory l = limitOf(address(wallet), address(wallet), 4 ether, NEVER);
        vm.expectEmit(address(settlement));
        emit IEscrow.LimitAccepted(OPERATOR, address(wallet), 4 ether, NEVER);
        accept(l, PAYER_KEY);
        allowed("up to it", debitOnChain(address(wallet), 4 ether));
        refused("past it", debitOnChain(address(wallet), 4 ether + 1), Refusal.OverLimit, 4 ether + 1, 4 ether);
        post(nextPost(0, 0), one(debitOnChain(address(wallet), 4 ether)));
    }

    function testContractWalletThatSaysNoIsRefused() public {
        Wallet wallet = new Wallet(PAYER);
        SpendingLimit memory l = limitOf(address(wallet), address(wallet), 4 ether, NEVER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OTHER_KEY, settlement.limitDigest(l));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitSignatureInvalid.selector, address(wallet)));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
    }

    /// EIP-7702: an account with code whose key still signs.
    function testAccountWithCodePaysByItsKey() public {
        Wallet wallet = new Wallet(STRANGER);
        vm.etch(PAYER, address(wallet).code);
        allowed("in a post", debit(PAYER_KEY, 1 ether, 2 ether));
        accept(limitOf(PAYER, PAYER, 4 ether, NEVER), PAYER_KEY);
        allowed("on the chain", debitOnChain(PAYER, 4 ether));
    }

    function testAccountWithoutCodeNeedsItsKey() public {
        SpendingLimit memory l = limitOf(PAYER, PAYER, 4 ether, NEVER);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OTHER_KEY, settlement.limitDigest(l));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitSignatureInvalid.selector, PAYER));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
    }

    function testAcceptedLimitOnlyGrowsUntilItExpires() public {
        uint64 end = time() + 10;
        accept(limitOf(PAYER, PAYER, 4 ether, end), PAYER_KEY);
        refusesToCut(limitOf(PAYER, PAYER, 3 ether, end + 9), 4 ether, end);
        SpendingLimit memory longer = limitOf(PAYER, PAYER, 4 ether, end + 9);
        accept(longer, PAYER_KEY);
        vm.warp(end + 9);
        allowed("its last second", debitOnChain(PAYER, 4 ether));
        vm.warp(end + 10);
        refused("expired", debitOnChain(PAYER, 1), Refusal.OverLimit, 1, 0);
        accept(limitOf(PAYER, PAYER, 1 ether, end + 20), PAYER_KEY);
        (uint96 limit, uint64 expiry) = settlement.acceptedLimit(OPERATOR, PAYER);
        same("limit", limit, 1 ether);
        same("expiry", expiry, end + 20);
    }

    /// A payer that has been served must not make the charge impossible by a higher limit that ends at once.
    function testAHigherLimitCannotShortenTheAcceptedOne() public {
        uint64 end = time() + 1 days;
        accept(limitOf(PAYER, PAYER, 4 ether, end), PAYER_KEY);
        refusesToCut(limitOf(PAYER, PAYER, 5 ether, time()), 4 ether, end);
        refusesToCut(limitOf(PAYER, PAYER, 5 ether, end - 1), 4 ether, end);
        vm.warp(time() + 1);
        allowed("still", debitOnChain(PAYER, 4 ether));
    }

    function refusesToCut(SpendingLimit memory l, uint96 limit, uint64 expiry) private {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, settlement.limitDigest(l));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AcceptedLimitCut.selector, PAYER, limit, expiry));
        settlement.acceptLimit(l, abi.encodePacked(r, s, v));
    }

    function testHigherOfStandingAndAcceptedCounts() public {
        accept(limitOf(PAYER, PAYER, 4 ether, NEVER), PAYER_KEY);
        vm.prank(PAYER);
        settlement.setStandingLimit(OPERATOR, 6 ether);
        refused("standing", debitOnChain(PAYER, 7 ether), Refusal.OverLimit, 7 ether, 6 ether);
        accept(limitOf(PAYER, PAYER, 8 ether, NEVER), PAYER_KEY);
        refused("accepted", debitOnChain(PAYER, 9 ether), Refusal.OverLimit, 9 ether, 8 ether);
    }

    function testAcceptedLimitMustBeThePayersForThisOperatorAndAlive() public {
        SpendingLimit memory l = limitOf(PAYER, PAYER, 4 ether, NEVER);
        l.operator = STRANGER;
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitForOtherOperator.selector, PAYER, STRANGER, OPERATOR));
        settlement.acceptLimit(l, "");
        l = limitOf(PAYER, SESSION, 4 ether, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitSignerNotPayer.selector, PAYER, SESSION));
        settlement.acceptLimit(l, "");
        uint64 start = time();
        l = limitOf(PAYER, PAYER, 4 ether, start - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.LimitExpired.selector, PAYER, start - 1, start));
        settlement.acceptLimit(l, "");
        accept(limitOf(PAYER, PAYER, 4 ether, start), PAYER_KEY);
    }

    /// Any one changed bit of a signed limit, or another signer, and the signature is worth nothing.
    function testFuzzChangedLimit(uint96 limit, uint64 expiry, uint96 otherLimit, uint64 otherExpiry) public view {
        expiry = uint64(time() + 1 + (expiry % 1e9));
        otherExpiry = uint64(time() + 1 + (otherExpiry % 1e9));
        limit = uint96(1 + (limit % 1e27));
        Debit memory d = debitBy(PAYER, PAYER_KEY, 0, limit, expiry);
        allowed("as signed", d);
        d.amounts = amounts(0, otherLimit, otherExpiry);
        if (otherLimit != limit || otherExpiry != expiry) {
            badSignature("changed", d);
        }
    }
}

/// What a settlement refuses to be made with.
contract TermsTest is Fixture {
    function refuses(Terms memory t, bytes memory failure) internal {
        vm.expectRevert(failure);
        new Settlement(t);
    }

    function outOfRange(bytes32 field, uint64 value, uint64 min, uint64 max) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.DelayOutOfRange.selector, field, value, min, max);
    }

    function testDelaysHaveBounds() public {
        Terms memory t = terms();
        t.withdrawDelay = 15 minutes - 1;
        refuses(t, outOfRange("withdrawDelay", t.withdrawDelay, 15 minutes, 30 days));
        t.withdrawDelay = 30 days + 1;
        refuses(t, outOfRange("withdrawDelay", t.withdrawDelay, 15 minutes, 30 days));
        t = terms();
        t.disputeWindow = 1 minutes - 1;
        refuses(t, outOfRange("disputeWindow", t.disputeWindow, 1 minutes, 10 days));
        t.disputeWindow = 10 days + 1;
        refuses(t, outOfRange("disputeWindow", t.disputeWindow, 1 minutes, 10 days));
        t = terms();
        t.resolvePeriod = 1 minutes - 1;
        refuses(t, outOfRange("resolvePeriod", t.resolvePeriod, 1 minutes, 30 days));
        t.resolvePeriod = 30 days + 1;
        refuses(t, outOfRange("resolvePeriod", t.resolvePeriod, 1 minutes, 30 days));
        t = terms();
        t.abandonDelay = 45 days - 1;
        refuses(t, outOfRange("abandonDelay", t.abandonDelay, 45 days, 730 days));
        t.abandonDelay = 730 days + 1;
        refuses(t, outOfRange("abandonDelay", t.abandonDelay, 45 days, 730 days));
    }

    function testEveryRoleIsSomebody() public {
        Terms memory t = terms();
        t.operator = address(0);
        refuses(t, abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("operator")));
        t = terms();
        t.arbiter = address(0);
        refuses(t, abi.encodeWithSelector(IVault.ZeroAddress.selector, bytes32("arbiter")));
        t = terms();
        t.owner = address(0);
        refuses(t, abi.encodeWithSignature("OwnableInvalidOwner(address)", address(0)));
    }

    function testTermsCanBeRead() public view {
        same("asset", settlement.asset(), address(token));
        same("permit2", settlement.permit2(), address(0));
        same("withdrawDelay", settlement.withdrawDelay(), WITHDRAW_DELAY);
        same("disputeWindow", settlement.disputeWindow(), DISPUTE_WINDOW);
        same("resolvePeriod", settlement.resolvePeriod(), RESOLVE_PERIOD);
        same("abandonDelay", settlement.abandonDelay(), ABANDON_DELAY);
        same("disputeBond", settlement.disputeBond(), DISPUTE_BOND);
        same("operator", settlement.operator(), OPERATOR);
        same("arbiter", settlement.arbiter(), ARBITER);
        same("owner", settlement.owner(), OWNER);
        same("first hash", settlement.batchHash(0), settlement.domainSeparator());
    }
}
