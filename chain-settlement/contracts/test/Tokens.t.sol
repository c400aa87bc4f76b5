// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IBond} from "../src/IBond.sol";
import {IClaims, IEscrow, IVault} from "../src/ISettlement.sol";
import {ISignatureTransfer} from "../src/ISignatureTransfer.sol";
import {MockGasPriceOracle} from "../src/mocks/MockGasPriceOracle.sol";
import {MockToken} from "../src/mocks/MockToken.sol";
import {MockWrappedNative} from "../src/mocks/MockWrappedNative.sol";
import {Settlement} from "../src/Settlement.sol";
import {Batch, Payout, Terms} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";
import {BlocklistToken, FalseToken, FeeToken, HookToken, MockPermit2, SilentToken} from "./Parties.sol";
import {Trees} from "./Trees.sol";

abstract contract TokenTest is Fixture {
    function isNative() internal pure override returns (bool) {
        return false;
    }
}

contract FeeTokenTest is TokenTest {
    function newToken() internal override returns (MockToken) {
        return new FeeToken();
    }

    function testDepositCreditsWhatArrived() public {
        deposit(PAYER, 100 ether);
        (uint96 deposited,,) = settlement.account(PAYER);
        same("credited", deposited, 99 ether);
        same("held", balanceOf(address(settlement)), 99 ether);
    }

    function testBondThatArrivesShortIsRefused() public {
        deposit(PAYER, 100 ether);
        Batch memory batch = postPayouts(10 ether, 1 ether, 1 ether);
        allow(STRANGER, address(settlement), DISPUTE_BOND);
        vm.expectRevert(abi.encodeWithSelector(IClaims.BondNotExact.selector, DISPUTE_BOND * 99 / 100, DISPUTE_BOND));
        vm.prank(STRANGER);
        settlement.openDispute(batch, "");
    }

    function testStakeCountsWhatArrived() public {
        allow(OPERATOR, address(bond), 100 ether);
        vm.prank(OPERATOR);
        same("shares", bond.stake(100 ether), 99 ether);
    }
}

contract BlocklistTokenTest is TokenTest {
    function newToken() internal override returns (MockToken) {
        return new BlocklistToken();
    }

    function testBlockedBeneficiaryIsOwedAndStopsNobody() public {
        deposit(PAYER, 100 ether);
        Batch memory batch = postPayouts(10 ether, 3 ether, 7 ether);
        matured();
        BlocklistToken(address(token)).setBlocked(CREATOR, true);
        bytes32[] memory leaves = payouts(3 ether, 7 ether);
        Payout[] memory all = new Payout[](2);
        all[0] = Payout(CREATOR, 3 ether, Trees.sortedProof(leaves, 0));
        all[1] = Payout(HOST, 7 ether, Trees.sortedProof(leaves, 1));
        settlement.claimMany(batch, all);
        same("the other is paid", balanceOf(HOST), 7 ether);
        same("owed", settlement.owed(CREATOR), 3 ether);
        same("owed in all", settlement.owedTotal(), 3 ether);
        vm.prank(CREATOR);
        settlement.collect(STRANGER);
        same("collected elsewhere", balanceOf(STRANGER), 1003 ether);
    }

    function testBlockedPayerWithdrawsElsewhere() public {
        deposit(PAYER, 100 ether);
        BlocklistToken(address(token)).setBlocked(PAYER, true);
        vm.prank(PAYER);
        settlement.requestWithdrawal(100 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IVault.TransferRefused.selector, PAYER, 100 ether));
        vm.prank(PAYER);
        settlement.withdraw(PAYER);
        vm.prank(PAYER);
        settlement.withdraw(HOST);
        same("elsewhere", balanceOf(HOST), 100 ether);
    }
}

contract HookTokenTest is TokenTest {
    function newToken() internal override returns (MockToken) {
        return new HookToken();
    }

    /// A deposit inside a deposit would be counted twice by a balance difference.
    function testTokenCannotComeBackIn() public {
        allow(PAYER, address(settlement), 100 ether);
        HookToken(address(token)).onTransfer(address(settlement), abi.encodeCall(IEscrow.deposit, (STRANGER, 0)));
        vm.prank(PAYER);
        settlement.deposit(PAYER, 100 ether);
        yes("stopped", !HookToken(address(token)).reentered());
        (uint96 deposited,,) = settlement.account(PAYER);
        same("credited once", deposited, 100 ether);
    }
}

contract OddReturnsTest is TokenTest {
    function testTokenThatReturnsNothingWorks() public {
        SilentToken silent = new SilentToken();
        Terms memory t = terms();
        t.asset = address(silent);
        Settlement s = new Settlement(t);
        silent.mint(PAYER, 10 ether);
        vm.startPrank(PAYER);
        silent.approve(address(s), 10 ether);
        s.deposit(PAYER, 10 ether);
        s.requestWithdrawal(4 ether);
        vm.warp(time() + WITHDRAW_DELAY);
        s.withdraw(HOST);
        vm.stopPrank();
        same("paid", silent.balanceOf(HOST), 4 ether);
        same("held", silent.balanceOf(address(s)), 6 ether);
    }

    function testTokenThatReturnsFalseIsRefused() public {
        FalseToken liar = new FalseToken();
        Terms memory t = terms();
        t.asset = address(liar);
        Settlement s = new Settlement(t);
        vm.expectRevert(abi.encodeWithSignature("SafeERC20FailedOperation(address)", address(liar)));
        s.deposit(PAYER, 10 ether);
    }
}

contract Permit2Test is TokenTest {
    MockPermit2 private _permit2 = new MockPermit2();

    function permit2() internal view override returns (address) {
        return address(_permit2);
    }

    function signedBy(uint256 key, uint256 amount, uint256 nonce) internal view returns (bytes memory) {
        bytes32 digest = _permit2.digest(
            ISignatureTransfer.PermitTransferFrom(
                ISignatureTransfer.TokenPermissions(address(token), amount), nonce, time()
            ),
            address(settlement)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function testAnyoneMaySendAPermitAndTheSignerIsCredited() public {
        allow(PAYER, address(_permit2), 10 ether);
        bytes memory signature = signedBy(PAYER_KEY, 10 ether, 7);
        uint64 deadline = time();
        vm.prank(STRANGER);
        settlement.depositWithPermit2(PAYER, 10 ether, 7, deadline, signature);
        (uint96 deposited,,) = settlement.account(PAYER);
        same("signer", deposited, 10 ether);
        (deposited,,) = settlement.account(STRANGER);
        same("sender", deposited, 0);
        vm.expectRevert(abi.encodeWithSelector(MockPermit2.Used.selector, 7));
        settlement.depositWithPermit2(PAYER, 10 ether, 7, deadline, signature);
    }

    function testPermitPaysItsSignerOnly() public {
        allow(PAYER, address(_permit2), 10 ether);
        bytes memory signature = signedBy(PAYER_KEY, 10 ether, 7);
        uint64 deadline = time();
        vm.expectRevert(abi.encodeWithSelector(MockPermit2.NotSigned.selector, STRANGER));
        vm.prank(STRANGER);
        settlement.depositWithPermit2(STRANGER, 10 ether, 7, deadline, signature);
    }
}

contract NoPermit2Test is Fixture {
    function testNativeCoinHasNoPermit() public {
        vm.expectRevert(IEscrow.Permit2Unavailable.selector);
        settlement.depositWithPermit2(PAYER, 1, 0, 0, "");
        Terms memory t = terms();
        t.permit2 = address(1);
        Settlement s = new Settlement(t);
        vm.expectRevert(IEscrow.Permit2Unavailable.selector);
        s.depositWithPermit2(PAYER, 1, 0, 0, "");
    }

    function testTokenWithoutPermit2HasNoPermit() public {
        Terms memory t = terms();
        t.asset = address(new MockToken());
        Settlement s = new Settlement(t);
        vm.expectRevert(IEscrow.Permit2Unavailable.selector);
        s.depositWithPermit2(PAYER, 1, 0, 0, "");
    }
}

contract LocalChainTest is Fixture {
    function testWrappedNativeIsOneToOne() public {
        MockWrappedNative wrapped = new MockWrappedNative();
        vm.startPrank(PAYER);
        wrapped.deposit{value: 3 ether}();
        (bool sent,) = address(wrapped).call{value: 1 ether}("");
        yes("sent", sent);
        same("wrapped", wrapped.balanceOf(PAYER), 4 ether);
        wrapped.withdraw(4 ether);
        vm.stopPrank();
        same("unwrapped", PAYER.balance, 1000 ether);
    }

    function testFeeOraclePricesBytes() public {
        MockGasPriceOracle oracle = new MockGasPriceOracle();
        same("fee", oracle.getL1Fee(new bytes(32)), 100 gwei);
        same("bound", oracle.getL1FeeUpperBound(32), 100 gwei);
        same("operator", oracle.getOperatorFee(1e6), 0);
        yes("forks", oracle.isFjord() && oracle.isIsthmus() && oracle.isJovian());
    }
}
