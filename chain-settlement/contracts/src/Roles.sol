// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IRoles, IVault} from "./ISettlement.sol";

/// Who may do what. The owner is a cold key: it changes the two others, at once, and touches no money. Limits name the
/// operator, so whoever becomes operator starts with none, and a lost operator key is worthless once it is replaced.
abstract contract Roles is IRoles, Ownable2Step {
    address private _operator;
    address private _arbiter;
    mapping(address key => uint64) private _operatorUntil;

    constructor(address owner_, address operator_, address arbiter_) Ownable(owner_) {
        _setOperator(operator_);
        _setArbiter(arbiter_);
    }

    function setOperator(address operator_) external onlyOwner {
        _operatorUntil[_operator] = uint64(block.timestamp);
        _setOperator(operator_);
    }

    function setArbiter(address arbiter_) external onlyOwner {
        _setArbiter(arbiter_);
    }

    function _setOperator(address operator_) private {
        if (operator_ == address(0)) {
            revert IVault.ZeroAddress("operator");
        }
        emit OperatorSet(_operator, operator_);
        _operator = operator_;
        _operatorUntil[operator_] = type(uint64).max;
    }

    function _setArbiter(address arbiter_) private {
        if (arbiter_ == address(0)) {
            revert IVault.ZeroAddress("arbiter");
        }
        emit ArbiterSet(_arbiter, arbiter_);
        _arbiter = arbiter_;
    }

    function operator() public view returns (address) {
        return _operator;
    }

    function arbiter() public view returns (address) {
        return _arbiter;
    }

    function operatorUntil(address key) external view returns (uint64) {
        return _operatorUntil[key];
    }
}
