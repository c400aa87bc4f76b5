// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 that anyone may mint, for tests and the local chain.
contract MockToken is ERC20 {
    constructor() ERC20("Mock OPEN", "mOPEN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
