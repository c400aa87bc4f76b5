// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IVault} from "./ISettlement.sol";

/// Moves one asset, the native coin or an ERC-20, and believes balances, not return values.
abstract contract Vault is ReentrancyGuardTransient, IVault {
    using SafeERC20 for IERC20;

    /// What a receiver of the native coin may use, so that it cannot eat the gas of the payments after it.
    uint256 internal constant PUSH_GAS = 100_000;

    address private immutable _asset;

    mapping(address account => uint256) private _owed;
    uint256 private _owedTotal;

    constructor(address asset_) {
        _asset = asset_;
    }

    function collect(address to) external nonReentrant returns (uint256 paid) {
        if (to == address(0)) {
            revert ZeroAddress("to");
        }
        paid = _owed[msg.sender];
        if (paid == 0) {
            revert NothingOwed(msg.sender);
        }
        delete _owed[msg.sender];
        _owedTotal -= paid;
        _push(to, paid);
        emit Collected(msg.sender, to, paid);
    }

    function asset() public view returns (address) {
        return _asset;
    }

    function _isNative() internal view returns (bool) {
        return _asset == address(0);
    }

    function _balance() internal view returns (uint256) {
        return _isNative() ? address(this).balance : IERC20(_asset).balanceOf(address(this));
    }

    /// Takes `amount` from the caller; returns what arrived, which is less if the token takes a fee.
    function _pull(uint256 amount) internal returns (uint256 received) {
        if (_isNative()) {
            if (msg.value != amount) {
                revert WrongValue(msg.value, amount);
            }
            return amount;
        }
        if (msg.value != 0) {
            revert WrongValue(msg.value, 0);
        }
        uint256 before = _balance();
        IERC20(_asset).safeTransferFrom(msg.sender, address(this), amount);
        return _balance() - before;
    }

    /// Pays `amount` or reverts.
    function _push(address to, uint256 amount) internal {
        if (!_tryPush(to, amount)) {
            revert TransferRefused(to, amount);
        }
    }

    /// Pays `amount`, or says that the receiver or the token refused it.
    function _tryPush(address to, uint256 amount) internal returns (bool) {
        if (!_isNative()) {
            return IERC20(_asset).trySafeTransfer(to, amount);
        }
        // A call gets 63/64 of what is left at most; a caller that sends too little must not look like a refusal.
        uint256 required = PUSH_GAS + PUSH_GAS / 32;
        if (gasleft() < required) {
            revert TooLittleGas(gasleft(), required);
        }
        (bool paid,) = to.call{value: amount, gas: PUSH_GAS}("");
        return paid;
    }

    /// Pays, or books where the receiver or the token refuses: nobody's refusal stops anybody else.
    function _pushOrOwe(address to, uint256 amount) internal {
        if (!_tryPush(to, amount)) {
            _owe(to, amount);
        }
    }

    /// Books money for `who` to collect.
    function _owe(address who, uint256 amount) internal {
        _owed[who] += amount;
        _owedTotal += amount;
        emit Owed(who, amount);
    }

    function owed(address who) external view returns (uint256) {
        return _owed[who];
    }

    function owedTotal() public view returns (uint256) {
        return _owedTotal;
    }
}
