// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {PriceId, Receipt} from "./Types.sol";

/// Prices that receipts name. A price never changes once it is registered.
interface IPrices {
    /// usage = ceil((tokensIn * inputRate + tokensOut * outputRate) / 1000)
    /// amount = ceil(usage * 10000 / (10000 - platformBps)) + platformFlat
    struct Price {
        uint96 inputRate; // smallest unit of the asset per 1000 tokens
        uint96 outputRate; // smallest unit of the asset per 1000 tokens
        uint96 platformFlat; // smallest unit of the asset per request
        uint16 platformBps; // of the gross amount, below 10000
        uint64 registeredAt; // unix seconds
    }

    event PriceRegistered(PriceId indexed id, Price price);

    error NotOperator(address caller, address operator);
    error PlatformBpsTooHigh(uint16 bps, uint16 max);

    /// Operator only. Returns the next number.
    function register(uint96 inputRate, uint96 outputRate, uint96 platformFlat, uint16 platformBps)
        external
        returns (PriceId);

    function price(PriceId id) external view returns (Price memory);
    function count() external view returns (uint64);

    /// What the receipt's price asks for its tokens. `known` is false if there was no such price at its time.
    function amountOf(Receipt calldata receipt) external view returns (bool known, uint256 amount);
}
