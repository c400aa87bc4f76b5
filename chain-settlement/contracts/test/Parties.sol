// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ISignatureTransfer} from "../src/ISignatureTransfer.sol";
import {MockToken} from "../src/mocks/MockToken.sol";

/// A contract that receives and signs, in several ways.
contract Wallet {
    enum Mode {
        Honest,
        Revert,
        EatGas,
        Reenter
    }

    error Refused();

    address private immutable _key;
    Mode private _mode;
    address private _target;
    bytes private _call;
    bool public reentered;
    bytes32 public failure;

    constructor(address key) {
        _key = key;
    }

    function set(Mode mode) external {
        _mode = mode;
    }

    function reenter(address target, bytes calldata call_) external {
        _mode = Mode.Reenter;
        _target = target;
        _call = call_;
    }

    receive() external payable {
        if (_mode == Mode.Revert) {
            revert Refused();
        }
        if (_mode == Mode.EatGas) {
            while (true) {}
        }
        if (_mode == Mode.Reenter) {
            bytes memory result;
            (reentered, result) = _target.call(_call);
            failure = bytes32(bytes4(result));
        }
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (_mode == Mode.Revert) {
            revert Refused();
        }
        return ECDSA.recoverCalldata(digest, signature) == _key ? this.isValidSignature.selector : bytes4(0);
    }

    function run(address target, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory result) = target.call{value: value}(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }
}

/// Takes 1 % of each transfer.
contract FeeToken is MockToken {
    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0) || to == address(0)) {
            super._update(from, to, value);
            return;
        }
        uint256 fee = value / 100;
        super._update(from, address(0xFEE), fee);
        super._update(from, to, value - fee);
    }
}

/// Refuses transfers to and from listed accounts.
contract BlocklistToken is MockToken {
    error Blocked(address who);

    mapping(address who => bool) private _blocked;

    function setBlocked(address who, bool blocked) external {
        _blocked[who] = blocked;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_blocked[from]) {
            revert Blocked(from);
        }
        if (_blocked[to]) {
            revert Blocked(to);
        }
        super._update(from, to, value);
    }
}

/// Calls somebody before each transfer, as ERC-777 does.
contract HookToken is MockToken {
    address private _target;
    bytes private _call;
    bool public reentered;

    function onTransfer(address target, bytes calldata call_) external {
        _target = target;
        _call = call_;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_target != address(0)) {
            (reentered,) = _target.call(_call);
        }
        super._update(from, to, value);
    }
}

/// Returns nothing from transfer and transferFrom, as some old tokens do.
contract SilentToken {
    mapping(address who => uint256) public balanceOf;
    mapping(address who => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Returns false where others revert.
contract FalseToken {
    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }
}

/// The part of Permit2 that a deposit needs: one-time permits, signed over token, amount, spender, nonce, deadline.
contract MockPermit2 is ISignatureTransfer {
    error Used(uint256 nonce);
    error Late(uint256 deadline);
    error NotSigned(address owner);

    bytes32 private constant PERMISSIONS_TYPEHASH = keccak256("TokenPermissions(address token,uint256 amount)");
    bytes32 private constant PERMIT_TYPEHASH = keccak256(
        "PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)"
        "TokenPermissions(address token,uint256 amount)"
    );

    mapping(address owner => mapping(uint256 nonce => bool)) private _used;

    function domainSeparator() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)"),
                keccak256("Permit2"),
                block.chainid,
                address(this)
            )
        );
    }

    function digest(PermitTransferFrom memory permit, address spender) public view returns (bytes32) {
        bytes32 permitted = keccak256(abi.encode(PERMISSIONS_TYPEHASH, permit.permitted.token, permit.permitted.amount));
        bytes32 hash = keccak256(abi.encode(PERMIT_TYPEHASH, permitted, spender, permit.nonce, permit.deadline));
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), hash));
    }

    function permitTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata details,
        address owner,
        bytes calldata signature
    ) external {
        if (block.timestamp > permit.deadline) {
            revert Late(permit.deadline);
        }
        if (_used[owner][permit.nonce]) {
            revert Used(permit.nonce);
        }
        _used[owner][permit.nonce] = true;
        if (ECDSA.recoverCalldata(digest(permit, msg.sender), signature) != owner) {
            revert NotSigned(owner);
        }
        MockToken(permit.permitted.token).transferFrom(owner, details.to, details.requestedAmount);
    }
}
