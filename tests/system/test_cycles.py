"""Roles go there and back, by every way there is, under load, while daemons die: what the operation keeps is all there, what it
overwrites is in a snapshot, and what travels is what changed."""
import os
import random
import threading
import time

import pytest

import lockstep
import numbered
from load import Load

BLOCKS = 1024
ROUNDS = int(os.environ.get("LOCKSTEP_CYCLES", "2"))
SEED = int(os.environ.get("LOCKSTEP_SEED", "1"))
WAYS = ["failback", "reverse", "restore", "resync"]


def uris(system):
    return [system.uri("p/data"), system.uri("p/wal")]


def numbers(system):
    return numbered.read_numbers(uris(system), BLOCKS)


class Cycle:
    """A mirror `r` of `source` on `target`, and whose writes count."""

    def __init__(self, source, target, mode, seed):
        self.source, self.target = source, target
        self.random = random.Random(seed)
        self.seed = seed
        self.told = []
        self.begun = time.monotonic()
        self.notes = numbered.Notes(2, BLOCKS)
        source.make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
        source.cli("group", "create", "g", "p/data", "p/wal")
        source.cli("replica", "create", "g", "--type", "mirror", "--to", target.name, "--mode", mode, "--name", "r")
        source.wait_state("r", "Synchronized")

    def tell(self, text):
        self.told.append(f"{time.monotonic() - self.begun:7.2f} {text}")

    def story(self):
        return f"seed {self.seed}:\n" + "\n".join(self.told)

    def load(self, notes, *systems, most=None):
        return Load([uris(system) for system in systems], notes, self.random.randrange(1 << 30), most).start()

    def ask(self, system, *words):
        """False when it is refused or its daemon died meanwhile; what is true then is looked at."""
        self.tell(f"{system.name}: {' '.join(words)}")
        code, out, err = system.run("replica", *words, "r", timeout=90)
        self.tell(f"{system.name}: {' '.join(words)} -> {code} {(err or out).strip()}")
        return code == 0

    def ask_under_fire(self, system, word):
        """The operation, while one of the two dies at some moment and comes back."""
        asking = threading.Thread(target=self.ask, args=(system, word), daemon=True)
        asking.start()
        victim = self.random.choice([self.source, self.target])
        time.sleep(self.random.uniform(0, 1.2) ** 2)
        self.tell(f"{victim.name} dies")
        victim.kill()
        time.sleep(self.random.choice([0, 0, 0.5]))
        victim.start()
        self.tell(f"{victim.name} is back")
        asking.join(100)
        assert not asking.is_alive(), f"{word} hangs"

    def ends(self):
        return self.source.replica("r"), self.target.replica("r")

    def settle(self, source, again, seconds=60):
        """As an administrator would who wants `source` to be the source and all to be level; `again` is the operation that was on its way."""
        target = self.target if source is self.source else self.source
        end, patient = time.monotonic() + seconds, time.monotonic() + 5
        while True:
            here, there = source.replica("r"), target.replica("r")
            states = f"{source.name} {here['role']} {here['copy_state']}, {target.name} {there['role']} {there['copy_state']}"
            if (here["role"], here["copy_state"], there["role"], there["copy_state"]) == ("Source", "Synchronized", "Target", "Synchronized"):
                self.tell(states)
                return
            assert time.monotonic() < end, f"not settled after {seconds} s: {states}, cause {here['cause']} | {there['cause']}\n{source.log_tail()}\n{target.log_tail()}"
            alike = here["copy_state"] == there["copy_state"] and here["role"] != there["role"]
            if alike or time.monotonic() > patient:   # else word of a change is on its way
                self.tell(states)
                if here["role"] == there["role"] == "Target":   # a change of sides that broke off: asked again of the end that serves, it is finished
                    self.ask(source if here["copy_state"] in ("Failedover", "Split") else target, again)
                else:
                    self.help_on(source, target, here["role"] == "Source", (here if here["role"] == "Source" else there)["copy_state"], again)
                patient = time.monotonic() + 5
            time.sleep(0.1)

    def help_on(self, source, target, as_it_should_be, state, again):
        """The next step from `state`; `as_it_should_be`: the roles are those that are wanted."""
        if state == "Failedover":
            self.ask(target, "failback" if as_it_should_be else "reverse")
        elif state == "Split":
            self.ask(target, again)
        elif state == "Suspended":
            self.ask(source if as_it_should_be else target, "resume")
        elif state == "Synchronized" and not as_it_should_be:
            self.ask(target, "reverse")

    def kept(self, system):
        """What each snapshot that users see holds, by its name."""
        out = {}
        for snapshot in system.cli("snapshot", "list"):
            if snapshot["group"] != "g" or snapshot["held"]:
                continue
            made = system.cli("snapshot", "clone", "g", snapshot["name"], "--prefix", "look-")["volumes"]
            out[snapshot["name"]] = numbered.read_numbers([system.uri(name) for name in made], BLOCKS)
            for name in made:
                system.cli("volume", "delete", name)
        return out

    def forget_kept(self):
        for system in (self.source, self.target):
            for snapshot in system.cli("snapshot", "list"):
                if not snapshot["held"]:
                    system.cli("snapshot", "delete", "g", snapshot["name"])

    def check_kept(self, system, lost):
        """Some snapshot of `system` holds all that the branch `lost` had been answered."""
        complaints = []
        for name, found in self.kept(system).items():
            try:
                lost.check_nothing_answered_is_lost(found)
                lost.check_is_prefix(found)
                self.tell(f"{system.name} keeps what it gave up as {name}")
                return
            except AssertionError as complaint:
                complaints.append(f"{name}: {complaint}")
        raise AssertionError(f"no snapshot of {system.name} keeps what it had: {complaints}")

    def level(self):
        """Both ends hold the same, and it is `self.notes`."""
        lockstep.wait_until(lambda: self.source.replica("r")["backlog_bytes"] == 0 and self.source.replica("r")["lag_seconds"] == 0, 30, "an empty backlog")
        self.source.cli("replica", "suspend", "r")
        here, there = numbers(self.source), numbers(self.target)
        self.source.cli("replica", "resume", "r")
        assert here == there, "the ends differ"
        self.notes.check_nothing_answered_is_lost(here)
        self.notes.forget_all_but(here)


def fail_over(cycle):
    """The target serves, by plan or because the source died under load. Returns its branch, and the source's if that has writes of its own."""
    load = cycle.load(cycle.notes, cycle.source)
    load.wait_answered(cycle.random.randrange(100, 1500))
    if cycle.random.random() < 0.4:
        cycle.ask(cycle.target, "failover")
        load.stop()
        found = numbers(cycle.target)
        cycle.notes.check_nothing_answered_is_lost(found)
        return cycle.notes.fork(found, cycle.notes.next_number + 1_000_000), None
    cycle.tell(f"{cycle.source.name} dies under load")
    cycle.source.kill()
    assert cycle.ask(cycle.target, "failover")
    load.stop()
    found = numbers(cycle.target)
    cycle.notes.check_is_prefix(found)
    branch = cycle.notes.fork(found, cycle.notes.next_number + 1_000_000)
    serving = cycle.load(branch, cycle.target)
    serving.wait_answered(200)
    cycle.source.start()
    serving.stop()
    before = numbers(cycle.source)
    cycle.notes.check_nothing_answered_is_lost(before)
    return branch, cycle.notes if before != found else None


def change_roles(cycle, word):
    """Failback or ReverseRoles after a failover: what the target wrote since is kept, and goes on being written."""
    branch, lost = fail_over(cycle)
    load = cycle.load(branch, cycle.target, cycle.source)
    load.wait_answered(200)
    gave_up = cycle.source
    cycle.ask_under_fire(cycle.target, word)
    serves = cycle.source if word == "failback" else cycle.target
    cycle.settle(serves, word)
    load.stop()
    if lost is not None:
        cycle.check_kept(gave_up, lost)
    if serves is cycle.target:
        cycle.source, cycle.target = cycle.target, cycle.source
    cycle.notes = branch


def choose_side(cycle, word):
    """Split, writes on both sides, then Restore (the target's count) or Resync (the source's)."""
    load = cycle.load(cycle.notes, cycle.source)
    load.wait_answered(200)
    assert cycle.ask(cycle.target, "split")
    branch = cycle.notes.fork(numbers(cycle.target), cycle.notes.next_number + 1_000_000)
    other = cycle.load(branch, cycle.target)
    other.wait_answered(200)
    load.wait_answered(400)
    asked, overwritten = (cycle.target, cycle.source) if word == "restore" else (cycle.source, cycle.target)
    wins, loses, lost_load, kept_load = (branch, cycle.notes, load, other) if word == "restore" else (cycle.notes, branch, other, load)
    if word == "restore":
        lost_load.stop()   # the same host cannot write both branches
    cycle.ask_under_fire(asked, word)
    cycle.settle(cycle.source, word)
    lost_load.stop()
    kept_load.stop()
    cycle.check_kept(overwritten, loses)
    cycle.notes = wins


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("way", WAYS)
def test_nothing_answered_is_lost_on_the_way_there_and_back(pair, way, mode):
    cycle = Cycle(*pair, mode, SEED)
    try:
        for turn in range(ROUNDS):
            cycle.tell(f"round {turn}")
            (change_roles if way in ("failback", "reverse") else choose_side)(cycle, way)
            cycle.level()
            cycle.forget_kept()
        if "LOCKSTEP_STORY" in os.environ:
            print(cycle.story())
    except BaseException as error:
        raise AssertionError(f"{error}\n{cycle.story()}") from error
