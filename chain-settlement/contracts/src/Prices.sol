// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPrices} from "./IPrices.sol";
import {ISettlement} from "./ISettlement.sol";
import {PriceId, Receipt} from "./Types.sol";

/// The price list of one settlement. Written once per price, so that a receipt's amount can be checked for ever.
contract Prices is IPrices {
    uint16 private constant BPS = 10_000;
    uint256 private constant RATE_TOKENS = 1000;

    ISettlement private immutable _settlement;

    Price[] private _prices;

    constructor(ISettlement settlement_) {
        _settlement = settlement_;
    }

    function register(uint96 inputRate, uint96 outputRate, uint96 platformFlat, uint16 platformBps)
        external
        returns (PriceId id)
    {
        address operator = _settlement.operator();
        if (msg.sender != operator) {
            revert NotOperator(msg.sender, operator);
        }
        if (platformBps >= BPS) {
            revert PlatformBpsTooHigh(platformBps, BPS - 1);
        }
        Price memory added = Price(inputRate, outputRate, platformFlat, platformBps, uint64(block.timestamp));
        _prices.push(added);
        id = PriceId.wrap(uint64(_prices.length));
        emit PriceRegistered(id, added);
    }

    function amountOf(Receipt calldata receipt) external view returns (bool known, uint256 amount) {
        uint64 id = PriceId.unwrap(receipt.priceId);
        if (id == 0 || id > _prices.length) {
            return (false, 0);
        }
        Price memory p = _prices[id - 1];
        if (receipt.timestamp < p.registeredAt) {
            return (false, 0);
        }
        uint256 rated = uint256(receipt.tokensIn) * p.inputRate + uint256(receipt.tokensOut) * p.outputRate;
        uint256 usage = Math.ceilDiv(rated, RATE_TOKENS);
        return (true, Math.ceilDiv(usage * BPS, uint256(BPS) - p.platformBps) + p.platformFlat);
    }

    function price(PriceId id) external view returns (Price memory) {
        return _prices[PriceId.unwrap(id) - 1];
    }

    function count() external view returns (uint64) {
        return uint64(_prices.length);
    }

    function settlement() external view returns (address) {
        return address(_settlement);
    }
}
