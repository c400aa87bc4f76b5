// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/// Stands in for the OP Stack's GasPriceOracle on a local chain, at 0x420000000000000000000000000000000000000F. Needs
/// no storage set up: its fee is a fixed price per byte, its operator fee is none.
contract MockGasPriceOracle {
    uint256 private constant WEI_PER_BYTE = 1e9;
    uint256 private constant SIGNATURE_BYTES = 68; // a transaction is priced before it is signed

    function getL1Fee(bytes calldata unsignedTx) external pure returns (uint256) {
        return (unsignedTx.length + SIGNATURE_BYTES) * WEI_PER_BYTE;
    }

    function getL1FeeUpperBound(uint256 unsignedTxSize) external pure returns (uint256) {
        return (unsignedTxSize + SIGNATURE_BYTES) * WEI_PER_BYTE;
    }

    function getOperatorFee(uint256) external pure returns (uint256) {
        return 0;
    }

    function isFjord() external pure returns (bool) {
        return true;
    }

    function isIsthmus() external pure returns (bool) {
        return true;
    }

    function isJovian() external pure returns (bool) {
        return true;
    }
}
