// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {Settlement} from "../src/Settlement.sol";
import {Batch, Debit, Payout, Post, Receipt} from "../src/Types.sol";
import {Receipts} from "./Receipts.sol";
import {Trees} from "./Trees.sol";

/// Everybody at once: payers, the operator, claimants, disputers, the arbiter, stakers, and those who attack. Keeps its
/// own books. An attack that succeeds is written down in `broken`, because a revert in here would be swallowed.
contract World is Receipts {
    uint256 internal constant PAYERS = 3;
    uint256 internal constant PEOPLE = 4; // beneficiaries; the last is the bond

    struct Root {
        Batch batch;
        uint256[4] cumulative;
        bool bad;
    }

    bool private immutable _native;

    string public broken;
    Root[] private _roots; // at seq - 1
    Post private _lastPost;
    uint256[3] private _payerKeys = [uint256(101), 102, 103];
    address[3] private _payers;
    address[4] public people;
    uint256[4] public cumulative; // what the operator owes each, as it last posted
    uint256[4] public highest; // the most that any root ever said
    uint256[3] public highestLimit;
    uint256[3] public lastSpent;
    uint256[3] public lastSeqOf;
    uint256[4] public lastClaimed;
    uint256 public lastHead;

    // How often something really happened
    uint256 public posted;
    uint256 public paidClaims;
    uint256 public withdrawn;
    uint256 public upheld;
    uint256 public rejected;
    uint256 public expired;
    uint256 public unbonded;
    uint256 public rewarded;
    uint256 public slashes;

    // Flow
    uint256 public moneyIn;
    uint256 public moneyOut;
    uint256 public bondIn;
    uint256 public bondOut;

    constructor(bool native) {
        _native = native;
    }

    function isNative() internal view override returns (bool) {
        return _native;
    }

    function setUp() public override {
        super.setUp();
        people = [CREATOR, HOST, STRANGER, address(bond)];
        for (uint256 i = 0; i < PAYERS; ++i) {
            _payers[i] = vm.addr(_payerKeys[i]);
            fund(payer(i), 1e6 ether);
            pay(i, 100 ether);
        }
        doStake(0, 50 ether);
    }

    function payer(uint256 i) internal view returns (address) {
        return _payers[i % PAYERS];
    }

    function fail(string memory what) internal {
        broken = what;
    }

    function roots() external view returns (uint256) {
        return _roots.length;
    }

    function root(uint256 i) external view returns (Root memory) {
        return _roots[i];
    }

    // Payers

    function pay(uint256 i, uint256 amount) public {
        amount = 1 + amount % 100 ether;
        address who = payer(i);
        uint256 value = allow(who, address(settlement), amount);
        vm.prank(who);
        settlement.deposit{value: value}(who, uint96(amount));
        moneyIn += amount;
    }

    function standingLimit(uint256 i, uint256 limit) external {
        (, uint96 spent,) = settlement.account(payer(i));
        limit = spent + limit % 60 ether;
        vm.prank(payer(i));
        settlement.setStandingLimit(OPERATOR, uint96(limit));
        if (limit > highestLimit[i % PAYERS]) {
            highestLimit[i % PAYERS] = limit;
        }
    }

    function askBack(uint256 i, uint256 amount) external {
        (uint96 deposited, uint96 spent,) = settlement.account(payer(i));
        if (deposited == spent) {
            return;
        }
        vm.prank(payer(i));
        settlement.requestWithdrawal(uint96(1 + amount % (deposited - spent)));
    }

    /// In time, and then once more at once: the second must fail.
    function takeBack(uint256 i) external {
        address who = payer(i);
        (uint96 asked, uint64 readyAt) = settlement.withdrawal(who);
        (uint96 deposited, uint96 spent,) = settlement.account(who);
        uint256 available = deposited - spent;
        if (asked == 0 || available == 0) {
            return;
        }
        if (time() < readyAt) {
            vm.prank(who);
            try settlement.withdraw(who) {
                fail("I11: withdrawn before the delay");
            } catch {}
            vm.warp(readyAt);
        }
        uint256 before = balanceOf(who);
        vm.prank(who);
        uint256 paid = settlement.withdraw(who);
        ++withdrawn;
        moneyOut += paid;
        if (paid != (asked < available ? asked : available) || balanceOf(who) - before != paid) {
            fail("I11: withdrawal is not min(asked, available)");
        }
        vm.prank(who);
        try settlement.withdraw(who) {
            fail("I11: withdrawn twice");
        } catch {}
    }

    // The operator

    /// One to three debits, each within its limit and deposit.
    function drawDebits(uint256 seed) internal returns (Debit[] memory, uint256 total) {
        uint256 count = 1 + seed % PAYERS;
        Debit[] memory debits = new Debit[](count);
        uint256 used = 0;
        for (uint256 i = 0; i < PAYERS && used < count; ++i) {
            (uint96 deposited, uint96 spent,) = settlement.account(payer(i));
            uint256 available = deposited - spent;
            if (available == 0) {
                continue;
            }
            uint256 delta = draw(seed, i) % (available < 10 ether ? available + 1 : 10 ether);
            debits[used] = debitOf(i, uint96(delta), uint96(spent + delta + draw(seed, 7 + i) % 3 ether), seed);
            total += delta;
            ++used;
        }
        return (sorted(debits, used), total);
    }

    /// A root that owes more than the last one; one in five gives it all to one.
    function batch(uint256 seed, uint256 mood) external {
        bool wrong = mood % 5 == 0;
        (Debit[] memory debits, uint256 total) = drawDebits(seed);
        (uint128 chargedBefore,,) = settlement.totals();
        grow(seed, chargedBefore + total, wrong);
        Post memory p = nextPost(rootNow(), uint128(owed()));
        Batch memory expected = batchOf(p, debits);
        vm.prank(OPERATOR);
        settlement.post(p, DA, debits);
        if (settlement.batchHash(p.seq) != keccak256(abi.encode(expected))) {
            fail("I9: batch is not what its debits say");
        }
        _lastPost = p;
        ++posted;
        _roots.push();
        Root storage added = _roots[_roots.length - 1];
        added.batch = expected;
        added.cumulative = cumulative;
        added.bad = wrong;
        for (uint256 i = 0; i < PEOPLE; ++i) {
            highest[i] = cumulative[i] > highest[i] ? cumulative[i] : highest[i];
        }
    }

    /// Signed anew, or on the standing limit where that is enough.
    function debitOf(uint256 i, uint96 delta, uint96 limit, uint256 seed) internal returns (Debit memory d) {
        (, uint96 spent,) = settlement.account(payer(i));
        (uint96 current, uint96 next, uint64 at_) = settlement.standingLimit(OPERATOR, payer(i));
        uint96 standing = time() < at_ ? current : next;
        if (spent + delta <= standing) {
            d = debitOnChain(payer(i), delta);
        } else {
            d = debit(_payerKeys[i], delta, limit);
            highestLimit[i] = limit > highestLimit[i] ? limit : highestLimit[i];
        }
        d.count = uint64(1 + draw(seed, 20 + i) % 50);
        d.subRoot = bytes32(draw(seed, 30 + i));
    }

    function sorted(Debit[] memory debits, uint256 used) internal pure returns (Debit[] memory list) {
        list = new Debit[](used);
        for (uint256 i = 0; i < used; ++i) {
            uint256 k = i;
            for (; k > 0 && list[k - 1].payer > debits[i].payer; --k) {
                list[k] = list[k - 1];
            }
            list[k] = debits[i];
        }
    }

    function grow(uint256 seed, uint256 charged_, bool wrong) internal {
        uint256 free = charged_ - owed();
        if (wrong) {
            cumulative[2] += free;
            return;
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            uint256 part = draw(seed, 40 + i) % (free / 2 + 1);
            cumulative[i] += part;
            free -= part;
        }
    }

    function owed() internal view returns (uint256 total) {
        for (uint256 i = 0; i < PEOPLE; ++i) {
            total += cumulative[i];
        }
    }

    function leavesNow(uint256[4] memory amounts_) internal view returns (bytes32[] memory) {
        address[] memory who = new address[](PEOPLE);
        uint256[] memory what = new uint256[](PEOPLE);
        for (uint256 i = 0; i < PEOPLE; ++i) {
            (who[i], what[i]) = (people[i], amounts_[i]);
        }
        return Trees.payoutLeaves(who, what);
    }

    function rootNow() internal view returns (bytes32) {
        return rootOf(leavesNow(cumulative));
    }

    function draw(uint256 seed, uint256 salt) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    // Claimants

    /// One of the latest roots, often right when its window ends.
    function claim(uint256 pick, uint256 who, uint256 patience) external {
        if (_roots.length == 0) {
            return;
        }
        uint256 recent = _roots.length < 8 ? _roots.length : 8;
        Root memory r = _roots[_roots.length - 1 - pick % recent];
        who %= PEOPLE;
        uint64 from = r.batch.postedAt + DISPUTE_WINDOW;
        if (time() < from) {
            if (claims(r, who)) {
                fail("I8: claimed before the window ended");
            }
            if (patience % 2 == 0) {
                return;
            }
            vm.warp(from);
        }
        bool stopped = isVoid(r.batch) || isFrozen(r.batch);
        uint256 claimed = settlement.claimed(people[who]);
        uint256 expected = r.cumulative[who] > claimed ? r.cumulative[who] - claimed : 0;
        uint256 before = balanceOf(people[who]);
        if (!claims(r, who)) {
            return;
        }
        uint256 paid = balanceOf(people[who]) - before;
        ++paidClaims;
        moneyOut += paid;
        bondIn += who == PEOPLE - 1 ? paid : 0;
        if (stopped) {
            fail("I8: claimed from a frozen or void root");
        }
        if (paid != expected) {
            fail("I6: paid something else than the difference");
        }
        if (claims(r, who)) {
            fail("I6: claimed twice");
        }
    }

    function claims(Root memory r, uint256 who) internal returns (bool) {
        bytes32[] memory proof = Trees.sortedProof(leavesNow(r.cumulative), who);
        try settlement.claim(r.batch, people[who], r.cumulative[who], proof) {
            return true;
        } catch {
            return false;
        }
    }

    function isFrozen(Batch memory b) internal view returns (bool) {
        (, uint64 firstSeq, uint64 endsAt, address disputer) = settlement.dispute();
        return disputer != address(0) && time() <= endsAt && b.seq >= firstSeq;
    }

    function claimForged(uint256 pick, uint256 who, uint256 more) external {
        if (_roots.length == 0) {
            return;
        }
        Root memory r = _roots[pick % _roots.length];
        who %= PEOPLE;
        bytes32[] memory proof = Trees.sortedProof(leavesNow(r.cumulative), who);
        more = r.cumulative[who] + 1 + more % 10 ether;
        try settlement.claim(r.batch, people[who], more, proof) {
            fail("I6: forged amount");
        } catch {}
        try settlement.claim(r.batch, OTHER, r.cumulative[who], proof) {
            fail("I6: forged beneficiary");
        } catch {}
        r.batch.payoutsTotal = type(uint128).max;
        try settlement.claim(r.batch, people[who], r.cumulative[who], proof) {
            fail("I6: forged batch");
        } catch {}
    }

    // Attacks by whoever holds the operator's key

    function overCharge(uint256 i, uint256 more) external {
        address who = payer(i);
        (uint96 deposited, uint96 spent,) = settlement.account(who);
        uint96 left = deposited - spent;
        uint96 limit = spent + left / 2;
        Debit memory d = debit(_payerKeys[i % PAYERS], uint96(left + 1 + more % 1 ether), type(uint96).max);
        tryPost(nextPost(rootNow(), uint128(owed())), one(d), "I3: charged more than the deposit");
        d = debit(_payerKeys[i % PAYERS], limit - spent + 1, limit);
        if (limit - spent + 1 <= left) {
            tryPost(nextPost(rootNow(), uint128(owed())), one(d), "I4: charged more than the limit");
        }
        d = debitBy(who, OTHER_KEY, 1, type(uint96).max, NEVER);
        tryPost(nextPost(rootNow(), uint128(owed())), one(d), "I4: charged by a stranger's signature");
    }

    function overPay(uint256 more) external {
        (uint128 charged_,, uint128 payouts_) = settlement.totals();
        Post memory p = nextPost(rootNow(), uint128(charged_ + 1 + more % 1 ether));
        tryPost(p, none(), "I5: payouts over charges");
        if (payouts_ > 0) {
            p.payoutsTotal = uint128(more % payouts_);
            tryPost(p, none(), "I5: payouts fell");
        }
    }

    function replayPost(uint256 pick) external {
        if (_roots.length == 0) {
            return;
        }
        Post memory p = _lastPost;
        if (pick % 2 == 0) {
            p.seq = settlement.lastSeq() + 1;
            p.payoutsTotal = uint128(owed());
            p.periodStart = settlement.lastPeriodEnd();
            p.periodEnd = time();
        }
        tryPost(p, none(), "I10: posted twice");
        p = nextPost(rootNow(), uint128(owed()));
        p.seq += 1;
        tryPost(p, none(), "I10: gap");
    }

    function tryPost(Post memory p, Debit[] memory debits, string memory what) internal {
        vm.prank(OPERATOR);
        try settlement.post(p, DA, debits) {
            fail(what);
        } catch {}
    }

    // Disputes

    function dispute(uint256 pick) external {
        if (_roots.length == 0) {
            return;
        }
        uint256 recent = _roots.length < 4 ? _roots.length : 4;
        uint256 chosen = _roots.length - 1 - pick % recent;
        for (uint256 i = 1; i <= recent && pick % 3 != 0; ++i) {
            chosen = _roots[_roots.length - i].bad ? _roots.length - i : chosen;
        }
        Root memory r = _roots[chosen];
        if (time() >= r.batch.postedAt + DISPUTE_WINDOW) {
            return;
        }
        fund(OTHER, DISPUTE_BOND);
        uint256 value = allow(OTHER, address(settlement), DISPUTE_BOND);
        vm.prank(OTHER);
        try settlement.openDispute{value: value}(r.batch, "") {
            moneyIn += DISPUTE_BOND;
        } catch {}
    }

    /// Upholds where a root of the range was made wrong, rejects otherwise; sometimes nobody decides.
    function decide(uint256 pick) external {
        (, uint64 firstSeq, uint64 endsAt, address disputer) = settlement.dispute();
        if (disputer == address(0)) {
            return;
        }
        if (pick % 4 == 0) {
            vm.warp(time() > endsAt ? time() : endsAt + 1);
        }
        if (time() > endsAt) {
            settlement.expireDispute();
            ++expired;
            return;
        }
        for (uint256 i = firstSeq - 1; i < _roots.length; ++i) {
            if (_roots[i].bad && !isVoid(_roots[i].batch)) {
                uphold(i);
                return;
            }
        }
        vm.prank(ARBITER);
        settlement.rejectDispute();
        ++rejected;
    }

    function isVoid(Batch memory b) internal view returns (bool) {
        uint64 from = settlement.voidFrom(b.epoch);
        return from != 0 && b.seq >= from;
    }

    function uphold(uint256 bad) internal {
        uint256 good = bad;
        while (good > 0 && isVoid(_roots[good - 1].batch)) {
            --good;
        }
        Batch memory none_;
        bool current = _roots[bad].batch.epoch == settlement.epoch();
        vm.prank(ARBITER);
        settlement.upholdDispute(_roots[bad].batch, good == 0 ? none_ : _roots[good - 1].batch);
        ++upheld;
        if (!current) {
            return;
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            uint256 floor = settlement.claimed(people[i]);
            uint256 said = good == 0 ? 0 : _roots[good - 1].cumulative[i];
            cumulative[i] = said > floor ? said : floor;
        }
    }

    function collect(uint256 pick) external {
        address who = pick % 2 == 0 ? OTHER : OPERATOR;
        uint256 due = settlement.owed(who);
        if (due == 0) {
            return;
        }
        vm.prank(who);
        moneyOut += settlement.collect(who);
    }

    // The bond

    function doStake(uint256 i, uint256 amount) public {
        amount = 1e6 + amount % 50 ether;
        address who = payer(i);
        uint256 value = allow(who, address(bond), amount);
        vm.prank(who);
        bond.stake{value: value}(amount);
        bondIn += amount;
    }

    function leaveStake(uint256 i, uint256 shares) external {
        uint256 held = bond.staker(payer(i)).shares;
        if (held == 0) {
            return;
        }
        vm.prank(payer(i));
        bond.requestUnbond(1 + shares % held);
    }

    function takeStake(uint256 i) external {
        if (bond.staker(payer(i)).unbonding == 0) {
            return;
        }
        uint64 readyAt = bond.staker(payer(i)).readyAt;
        if (time() < readyAt) {
            vm.prank(payer(i));
            try bond.unbond(payer(i)) {
                fail("stake left before its delay");
            } catch {}
            if (i % 4 != 0) {
                return; // three weeks at once end every dispute
            }
            vm.warp(readyAt + RESOLVE_PERIOD + 1);
        }
        if (isHeldBack(readyAt)) {
            vm.prank(payer(i));
            try bond.unbond(payer(i)) {
                fail("stake left during a dispute");
            } catch {}
            return;
        }
        vm.prank(payer(i));
        bondOut += bond.unbond(payer(i));
        ++unbonded;
    }

    /// An open dispute holds stake back until it ends, and for one resolve period at most.
    function isHeldBack(uint64 readyAt) internal view returns (bool) {
        (,, uint64 endsAt, address disputer) = settlement.dispute();
        return disputer != address(0) && time() <= endsAt && time() <= readyAt + RESOLVE_PERIOD;
    }

    function takeFees(uint256 i) external {
        bond.distribute();
        vm.prank(payer(i));
        try bond.takeReward(payer(i)) returns (uint256 amount) {
            bondOut += amount;
            ++rewarded;
        } catch {}
    }

    function slash(uint256 pick) external {
        uint256 last = settlement.epoch();
        for (uint64 id = 1; id <= 64 && last > 0; ++id) {
            if (settlement.upheldDisputer(id) != address(0)) {
                try bond.slashUpheldDispute(id) {
                    ++slashes;
                    return;
                } catch {}
            }
        }
        address who = pick % 2 == 0 ? OTHER : TREASURY;
        uint256 due = bond.owed(who);
        if (due > 0) {
            vm.prank(who);
            bondOut += bond.collect(who);
        }
    }

    // Time

    function wait(uint256 seconds_) external {
        vm.warp(time() + seconds_ % 8 hours);
    }

    // What must never change back

    function remember() external {
        for (uint256 i = 0; i < PAYERS; ++i) {
            (, uint96 spent, uint64 nextSeq) = settlement.account(payer(i));
            if (spent < lastSpent[i] || nextSeq < lastSeqOf[i]) {
                fail("I7: an account went back");
            }
            (lastSpent[i], lastSeqOf[i]) = (spent, nextSeq);
        }
        for (uint256 i = 0; i < PEOPLE; ++i) {
            uint256 claimed = settlement.claimed(people[i]);
            if (claimed < lastClaimed[i]) {
                fail("I7: claims went back");
            }
            lastClaimed[i] = claimed;
        }
        if (settlement.lastSeq() < lastHead) {
            fail("I7: the chain of batches went back");
        }
        lastHead = settlement.lastSeq();
    }

    // The books, checked

    function check() external view {
        if (bytes(broken).length != 0) {
            revert Untrue(broken);
        }
        uint256 available = 0;
        uint256 spentSum = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            (uint96 deposited, uint96 spent,) = settlement.account(payer(i));
            yes("I3: spent <= deposited", spent <= deposited);
            yes("I4: spent <= highest limit ever authorised", spent <= highestLimit[i]);
            available += deposited - spent;
            spentSum += spent;
        }
        (uint128 charged_, uint128 claimed, uint128 payouts_) = settlement.totals();
        same("I2: sum of spent = charged", spentSum, charged_);
        yes("I5: claimed <= payouts", claimed <= payouts_);
        yes("I5: payouts <= charged", payouts_ <= charged_);
        uint256 paid = 0;
        for (uint256 i = 0; i < PEOPLE; ++i) {
            uint256 one_ = settlement.claimed(people[i]);
            yes("I6: claimed <= highest cumulative", one_ <= highest[i]);
            paid += one_;
        }
        same("I5: sum of claimed = total", paid, claimed);
        (,,, address disputer) = settlement.dispute();
        uint256 bonds = disputer == address(0) ? 0 : DISPUTE_BOND;
        uint256 held = balanceOf(address(settlement));
        same("I12: in = held + out", moneyIn, held + moneyOut);
        same(
            "I1: held = accounts + unclaimed charges + owed + bonds",
            held,
            available + (charged_ - claimed) + settlement.owedTotal() + bonds
        );
        same("I10: one root per batch", settlement.lastSeq(), _roots.length);
        if (_roots.length > 1) {
            Batch memory last = _roots[_roots.length - 1].batch;
            same("I10: chained", last.prevHash, settlement.batchHash(last.seq - 1));
        }
        checkBond();
    }

    function checkBond() internal view {
        (uint256 assets, uint256 shares, uint256 earning) = bond.pool();
        uint256 earn = 0;
        uint256 leaving = 0;
        uint256 rewards = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            earn += bond.staker(payer(i)).shares;
            leaving += bond.staker(payer(i)).unbonding;
            rewards += bond.staker(payer(i)).reward;
        }
        same("bond: earning shares", earn, earning);
        same("bond: all shares", earn + leaving, shares);
        yes("bond: stake without shares", shares > 0 || assets == 0);
        uint256 held = balanceOf(address(bond));
        same("bond: in = held + out", bondIn, held + bondOut);
        yes("bond: covers stake, rewards and debts", held >= assets + rewards + bond.owedTotal());
    }
}

abstract contract InvariantSuite {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    World internal world;

    function isNative() internal pure virtual returns (bool);

    function setUp() public {
        world = new World(isNative());
        world.setUp();
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(world);
    }

    /// Posts and claims more often than the rest: a claim needs a matured batch to try anything.
    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        bytes4[22] memory all = [
            World.pay.selector,
            World.standingLimit.selector,
            World.askBack.selector,
            World.takeBack.selector,
            World.batch.selector,
            World.claim.selector,
            World.claimForged.selector,
            World.overCharge.selector,
            World.overPay.selector,
            World.replayPost.selector,
            World.dispute.selector,
            World.decide.selector,
            World.collect.selector,
            World.doStake.selector,
            World.leaveStake.selector,
            World.takeStake.selector,
            World.takeFees.selector,
            World.slash.selector,
            World.wait.selector,
            World.remember.selector,
            World.batch.selector,
            World.claim.selector
        ];
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(address(world), new bytes4[](all.length));
        for (uint256 i = 0; i < all.length; ++i) {
            list[0].selectors[i] = all[i];
        }
    }
}

/// A world whose calls mostly do nothing tests nothing: in 1500 drawn calls everything must have happened.
contract WorldTest is InvariantSuite {
    error Idle(string what, uint256 times);

    function isNative() internal pure override returns (bool) {
        return true;
    }

    function busy(string memory what, uint256 times) internal pure {
        if (times < 4) {
            revert Idle(what, times);
        }
    }

    function testEverythingHappensInTheWorld() public {
        uint256 busyCalls = 0;
        bytes4[] memory calls = this.targetSelectors()[0].selectors;
        for (uint256 i = 0; i < 1500; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("world", i)));
            (bool done,) =
                address(world).call(abi.encodePacked(calls[seed % calls.length], seed >> 9, seed >> 17, seed >> 60));
            busyCalls += done ? 1 : 0;
            world.check();
        }
        if (busyCalls != 1500) {
            revert Idle("calls that revert", 1500 - busyCalls);
        }
        busy("posts", world.posted());
        busy("claims", world.paidClaims());
        busy("withdrawals", world.withdrawn());
        busy("disputes upheld", world.upheld());
        busy("disputes rejected", world.rejected());
        busy("disputes expired", world.expired());
        busy("stakes taken back", world.unbonded());
        busy("fees taken", world.rewarded());
        busy("slashes", world.slashes());
    }
}

contract InvariantsNativeTest is InvariantSuite {
    function invariantTheBooksBalanceAndNoAttackSucceeds() external view {
        world.check();
    }

    function isNative() internal pure override returns (bool) {
        return true;
    }
}

contract InvariantsTokenTest is InvariantSuite {
    function invariantTheBooksBalanceAndNoAttackSucceeds() external view {
        world.check();
    }

    function isNative() internal pure override returns (bool) {
        return false;
    }
}
