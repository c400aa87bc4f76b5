// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Wraps the native coin, for tests and the local chain.
contract MockWrappedNative is ERC20 {
    error TransferRefused(address to, uint256 amount);

    constructor() ERC20("Wrapped OPEN", "WOPEN") {}

    receive() external payable {
        _mint(msg.sender, msg.value);
    }

    function deposit() external payable {
        _mint(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        (bool paid,) = msg.sender.call{value: amount}("");
        if (!paid) {
            revert TransferRefused(msg.sender, amount);
        }
    }
}
