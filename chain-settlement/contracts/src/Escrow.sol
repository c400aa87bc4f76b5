// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Hashing} from "./Hashing.sol";
import {ISignatureTransfer} from "./ISignatureTransfer.sol";
import {IEscrow} from "./ISettlement.sol";
import {Roles} from "./Roles.sol";
import {Debit, Refusal, SpendingLimit, Terms} from "./Types.sol";
import {Vault} from "./Vault.sol";

/// Prepaid accounts. What a payer can do to make a promised charge impossible (withdraw, cut a limit, remove a key)
/// waits `withdrawDelay`, so that the operator sees it and settles first. Nothing here can be paused.
abstract contract Escrow is Roles, Vault, EIP712, IEscrow {
    struct Account {
        uint96 deposited; // less what was withdrawn
        uint96 spent; // over the life of the account, at most deposited
        uint64 nextSeq; // sequence number of the next receipt
    }

    struct Withdrawal {
        uint96 amount;
        uint64 readyAt;
    }

    struct StandingLimit {
        uint96 current;
        uint96 next;
        uint64 effectiveAt;
    }

    struct AcceptedLimit {
        uint96 limit;
        uint64 expiry;
    }

    struct SessionKey {
        uint96 cap;
        uint64 validUntil;
    }

    uint64 private constant WITHDRAW_DELAY_MIN = 15 minutes;
    uint64 private constant WITHDRAW_DELAY_MAX = 30 days;
    uint256 private constant COUNT_MAX = type(uint32).max;

    address private immutable _permit2;
    uint64 private immutable _withdrawDelay;

    mapping(address payer => Account) private _accounts;
    mapping(address payer => Withdrawal) private _withdrawals;
    mapping(address operator => mapping(address payer => StandingLimit)) private _standingLimits;
    mapping(address operator => mapping(address payer => AcceptedLimit)) private _acceptedLimits;
    mapping(address payer => mapping(address key => SessionKey)) private _sessionKeys;

    constructor(Terms memory terms)
        Roles(terms.owner, terms.operator, terms.arbiter)
        Vault(terms.asset)
        EIP712(Hashing.NAME, Hashing.VERSION)
    {
        _requireInRange("withdrawDelay", terms.withdrawDelay, WITHDRAW_DELAY_MIN, WITHDRAW_DELAY_MAX);
        _permit2 = terms.permit2;
        _withdrawDelay = terms.withdrawDelay;
    }

    // Money in

    function deposit(address payer, uint96 amount) external payable nonReentrant {
        if (payer == address(0)) {
            revert ZeroAddress("payer");
        }
        _credit(payer, _pull(amount));
    }

    function depositWithPermit2(address payer, uint96 amount, uint256 nonce, uint256 deadline, bytes calldata signature)
        external
        nonReentrant
    {
        if (_permit2 == address(0) || _isNative()) {
            revert Permit2Unavailable();
        }
        uint256 before = _balance();
        ISignatureTransfer(_permit2)
            .permitTransferFrom(
                ISignatureTransfer.PermitTransferFrom(
                    ISignatureTransfer.TokenPermissions(asset(), amount), nonce, deadline
                ),
                ISignatureTransfer.SignatureTransferDetails(address(this), amount),
                payer,
                signature
            );
        _credit(payer, _balance() - before);
    }

    function _credit(address payer, uint256 received) private {
        if (received == 0) {
            revert ZeroAmount();
        }
        Account storage a = _accounts[payer];
        uint256 deposited = a.deposited;
        if (deposited + received > type(uint96).max) {
            revert DepositOverflow(payer, deposited, received);
        }
        // Both fit: their sum was just seen to.
        // forge-lint: disable-start(unsafe-typecast)
        a.deposited = uint96(deposited + received);
        emit Deposited(payer, msg.sender, uint96(received), uint96(deposited + received));
        // forge-lint: disable-end(unsafe-typecast)
    }

    // Money out

    function requestWithdrawal(uint96 amount) external {
        if (amount == 0) {
            revert ZeroAmount();
        }
        uint96 available = _available(_accounts[msg.sender]);
        if (amount > available) {
            revert NothingAvailable(msg.sender, amount, available);
        }
        uint64 readyAt = _now() + _withdrawDelay;
        _withdrawals[msg.sender] = Withdrawal(amount, readyAt);
        emit WithdrawalRequested(msg.sender, amount, readyAt);
    }

    function cancelWithdrawal() external {
        if (_withdrawals[msg.sender].amount == 0) {
            revert NoWithdrawal(msg.sender);
        }
        delete _withdrawals[msg.sender];
        emit WithdrawalCancelled(msg.sender);
    }

    function withdraw(address to) external nonReentrant returns (uint96 paid) {
        if (to == address(0)) {
            revert ZeroAddress("to");
        }
        Withdrawal memory w = _withdrawals[msg.sender];
        if (w.amount == 0) {
            revert NoWithdrawal(msg.sender);
        }
        if (block.timestamp < w.readyAt) {
            revert WithdrawalTooEarly(msg.sender, w.readyAt, _now());
        }
        Account storage a = _accounts[msg.sender];
        uint96 available = _available(a);
        if (available == 0) {
            revert NothingAvailable(msg.sender, w.amount, 0);
        }
        paid = w.amount < available ? w.amount : available;
        delete _withdrawals[msg.sender];
        a.deposited -= paid;
        _push(to, paid);
        emit Withdrawn(msg.sender, to, paid);
    }

    // What may be charged

    function setStandingLimit(address operator_, uint96 limit) external {
        if (operator_ == address(0)) {
            revert ZeroAddress("operator");
        }
        StandingLimit storage stored = _standingLimits[operator_][msg.sender];
        uint96 current = _effective(stored);
        StandingLimit memory changed = limit < current
            ? StandingLimit(current, limit, _now() + _withdrawDelay)
            : StandingLimit(limit, limit, _now());
        _standingLimits[operator_][msg.sender] = changed;
        emit StandingLimitSet(operator_, msg.sender, changed.current, changed.next, changed.effectiveAt);
    }

    function acceptLimit(SpendingLimit calldata granted, bytes calldata signature) external nonReentrant {
        address operator_ = operator();
        if (granted.operator != operator_) {
            revert LimitForOtherOperator(granted.payer, granted.operator, operator_);
        }
        if (granted.signer != granted.payer) {
            revert LimitSignerNotPayer(granted.payer, granted.signer);
        }
        if (block.timestamp > granted.expiry) {
            revert LimitExpired(granted.payer, granted.expiry, _now());
        }
        AcceptedLimit memory before = _acceptedLimits[granted.operator][granted.payer];
        // A later word may add to a live one, never take from it: the operator may have served on its strength.
        if (block.timestamp <= before.expiry && (granted.limit < before.limit || granted.expiry < before.expiry)) {
            revert AcceptedLimitCut(granted.payer, before.limit, before.expiry);
        }
        if (!_isSignedBy(granted.payer, limitDigest(granted), signature)) {
            revert LimitSignatureInvalid(granted.payer);
        }
        _acceptedLimits[granted.operator][granted.payer] = AcceptedLimit(granted.limit, granted.expiry);
        emit LimitAccepted(granted.operator, granted.payer, granted.limit, granted.expiry);
    }

    function addSessionKey(address key, uint96 cap, uint64 validUntil) external {
        if (key == address(0)) {
            revert ZeroAddress("key");
        }
        if (key == msg.sender || validUntil <= block.timestamp) {
            revert SessionKeyInvalid(msg.sender, key, validUntil);
        }
        SessionKey memory before = _sessionKeys[msg.sender][key];
        bool live = before.validUntil >= block.timestamp;
        if (live && (cap < before.cap || validUntil < before.validUntil)) {
            revert SessionKeyCut(msg.sender, key, before.cap, before.validUntil);
        }
        _sessionKeys[msg.sender][key] = SessionKey(cap, validUntil);
        emit SessionKeySet(msg.sender, key, cap, validUntil);
    }

    function removeSessionKey(address key) external {
        SessionKey storage stored = _sessionKeys[msg.sender][key];
        if (stored.validUntil < block.timestamp) {
            revert NoSessionKey(msg.sender, key);
        }
        uint64 end = _now() + _withdrawDelay;
        if (end < stored.validUntil) {
            stored.validUntil = end;
        }
        emit SessionKeySet(msg.sender, key, stored.cap, stored.validUntil);
    }

    /// An account with code may still be a key (EIP-7702): the key's own signature counts first, then the code's word.
    function _isSignedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (failure == ECDSA.RecoverError.NoError && recovered == signer) {
            return true;
        }
        return signer.code.length > 0 && SignatureChecker.isValidERC1271SignatureNowCalldata(signer, digest, signature);
    }

    // For the settlement

    /// Reads storage and recovers keys, calls nobody: what it says can change only by the delays above.
    function _refusal(Debit calldata d, address operator_)
        internal
        view
        returns (Refusal refusal, uint256 wanted, uint256 allowed)
    {
        Account memory a = _accounts[d.payer];
        if (d.count == 0 || d.count > COUNT_MAX) {
            return (Refusal.CountOutOfRange, d.count, COUNT_MAX);
        }
        uint256 spent = uint256(a.spent) + d.amounts.delta();
        if (spent > a.deposited) {
            return (Refusal.OverDeposit, spent, a.deposited);
        }
        if (d.signer == address(0)) {
            allowed = _allowedOnChain(operator_, d.payer, spent);
        } else {
            (refusal, wanted, allowed) = _allowedBySignature(d, operator_);
            if (refusal != Refusal.None) {
                return (refusal, wanted, allowed);
            }
        }
        return (spent > allowed ? Refusal.OverLimit : Refusal.None, spent, allowed);
    }

    function _allowedOnChain(address operator_, address payer, uint256 spent) private view returns (uint96 allowed) {
        allowed = _effective(_standingLimits[operator_][payer]);
        if (spent > allowed) {
            AcceptedLimit memory accepted = _acceptedLimits[operator_][payer];
            if (block.timestamp <= accepted.expiry && accepted.limit > allowed) {
                allowed = accepted.limit;
            }
        }
    }

    function _allowedBySignature(Debit calldata d, address operator_)
        private
        view
        returns (Refusal refusal, uint256 wanted, uint256 allowed)
    {
        allowed = d.amounts.limit();
        uint64 expiry = d.amounts.expiry();
        if (block.timestamp > expiry) {
            return (Refusal.Expired, block.timestamp, expiry);
        }
        if (d.signer != d.payer) {
            SessionKey memory key = _sessionKeys[d.payer][d.signer];
            if (key.validUntil == 0) {
                return (Refusal.UnknownKey, uint160(d.signer), 0);
            }
            if (block.timestamp > key.validUntil) {
                return (Refusal.Expired, block.timestamp, key.validUntil);
            }
            if (key.cap < allowed) {
                allowed = key.cap;
            }
        }
        bytes32 digest = _hashTypedDataV4(Hashing.limitHash(d.payer, d.signer, operator_, d.amounts.limit(), expiry));
        (address recovered,,) = ECDSA.tryRecover(digest, d.r, d.vs);
        if (recovered != d.signer) {
            return (Refusal.BadSignature, uint160(recovered), uint160(d.signer));
        }
    }

    /// Books a debit that `_refusal` let pass; returns the sequence number of its first receipt.
    function _charge(Debit calldata d) internal returns (uint64 firstSeq) {
        Account storage a = _accounts[d.payer];
        firstSeq = a.nextSeq;
        a.spent += d.amounts.delta();
        a.nextSeq = firstSeq + d.count;
    }

    function _spent(address payer) internal view returns (uint96) {
        return _accounts[payer].spent;
    }

    // Small things

    function _available(Account storage a) private view returns (uint96) {
        return a.deposited - a.spent;
    }

    function _effective(StandingLimit memory standing) private view returns (uint96) {
        return block.timestamp < standing.effectiveAt ? standing.current : standing.next;
    }

    function _now() internal view returns (uint64) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(block.timestamp); // good for 584 billion years
    }

    function _requireInRange(bytes32 field, uint64 value, uint64 min, uint64 max) internal pure {
        if (value < min || value > max) {
            revert DelayOutOfRange(field, value, min, max);
        }
    }

    // Views

    function permit2() external view returns (address) {
        return _permit2;
    }

    function withdrawDelay() external view returns (uint64) {
        return _withdrawDelay;
    }

    function account(address payer) external view returns (uint96 deposited, uint96 spent, uint64 nextSeq) {
        Account memory a = _accounts[payer];
        return (a.deposited, a.spent, a.nextSeq);
    }

    function withdrawal(address payer) external view returns (uint96 amount, uint64 readyAt) {
        Withdrawal memory w = _withdrawals[payer];
        return (w.amount, w.readyAt);
    }

    function standingLimit(address operator_, address payer)
        external
        view
        returns (uint96 current, uint96 next, uint64 effectiveAt)
    {
        StandingLimit memory stored = _standingLimits[operator_][payer];
        return (stored.current, stored.next, stored.effectiveAt);
    }

    function acceptedLimit(address operator_, address payer) external view returns (uint96 limit, uint64 expiry) {
        AcceptedLimit memory stored = _acceptedLimits[operator_][payer];
        return (stored.limit, stored.expiry);
    }

    function sessionKey(address payer, address key) external view returns (uint96 cap, uint64 validUntil) {
        SessionKey memory k = _sessionKeys[payer][key];
        return (k.cap, k.validUntil);
    }

    function limitDigest(SpendingLimit calldata granted) public view returns (bytes32) {
        return _hashTypedDataV4(Hashing.limitHash(granted));
    }
}
