"""Three real systems: a cascade whose middle dies inside a resync, and two targets of a source that is gone, one of them further ahead."""
import os
import random
import time

import pytest

import lockstep
import numbered
from load import Load

BLOCKS = 2048
SEED = int(os.environ.get("LOCKSTEP_SEED", "1"))
MOVES = int(os.environ.get("LOCKSTEP_CYCLES", "2"))


@pytest.fixture
def three(make_system):
    """a, b and c, each a peer of the others, with a pool `p`; a has a group `g`."""
    systems = [make_system(name).start() for name in "abc"]
    for one in systems:
        one.make_pool()
    for i, one in enumerate(systems):
        for other in systems[i + 1:]:
            lockstep.pair_up(one, other)
    systems[0].make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
    systems[0].cli("group", "create", "g", "p/data", "p/wal")
    return systems


def uris(system, prefix=""):
    return [system.uri(f"p/{prefix}data"), system.uri(f"p/{prefix}wal")]


def numbers(system, prefix=""):
    return numbered.read_numbers(uris(system, prefix), BLOCKS)


def mirror(source, target, name, *more):
    source.cli("replica", "create", "g", "--type", "mirror", "--to", target.name, "--mode", "async", "--name", name, *more)


def wait_level(source, *relationships):
    for name in relationships:
        source.wait_state(name, "Synchronized", seconds=90)
        lockstep.wait_until(lambda: source.replica(name)["backlog_bytes"] == 0 and source.replica(name)["lag_seconds"] == 0, 60, f"an empty backlog of {name}")


def check_drill(system, relationship, notes):
    """What a failover would open is one point of the first source's history."""
    system.cli("replica", "drill", relationship, "--as", "look")
    notes.check_is_prefix(numbers(system, "look-"))
    system.cli("replica", "drill", relationship, "--as", "look", "--end")


def test_the_middle_of_a_cascade_dies_in_its_resync(three):
    a, b, c = three
    choose = random.Random(SEED)
    mirror(a, b, "ab", "--journal-budget", "1M", "--limit", "12M")
    mirror(b, c, "bc")
    wait_level(a, "ab")
    wait_level(b, "bc")
    notes = numbered.Notes(2, BLOCKS)
    for move in range(MOVES):
        b.kill()
        Load([uris(a)], notes, SEED + move, most=BLOCKS).start().stop()   # far more than the journal is kept for
        b.start()
        resyncs = lambda: a.replica("ab")["copy_state"] == "Unsynchronized" and a.replica("ab")["copied_bytes"] > 0
        lockstep.wait_until(resyncs, 30, "a resync of b")
        load = Load([uris(a)], notes, SEED + 50 + move, most=300).start()
        time.sleep(choose.uniform(0, 0.4))
        copied = a.replica("ab")["copied_bytes"]
        assert a.replica("ab")["copy_state"] == "Unsynchronized", "the resync was over before b could die in it"
        b.kill()
        load.stop()
        check_drill(c, "bc", notes)
        if move < MOVES - 1:
            b.start()
            check_drill(c, "bc", notes)
            wait_level(a, "ab")
            wait_level(b, "bc")
            assert numbers(a) == numbers(c), f"seed {SEED}, move {move}, {copied} bytes into the resync"
    # The middle stays away: c serves, at one point of a's history.
    c.cli("replica", "failover", "bc")
    opened = numbers(c)
    notes.check_is_prefix(opened)
    Load([uris(c)], notes.fork(opened, notes.next_number + 1_000_000), 99, most=100).start().stop()
    b.start()
    wait_level(a, "ab")
    lockstep.wait_until(lambda: b.replica("bc")["copy_state"] == "Failedover", 30, "b to learn that c serves")
    # To be a next hop again, it is made one onto the group that is there; what it wrote is kept.
    c.cli("replica", "detach", "bc")
    mirror(b, c, "bc", "--group", "g")
    wait_level(b, "bc")
    assert numbers(a) == numbers(c)
    assert b.replica("bc")["sent_bytes"] < BLOCKS * 2 * 4096 * 1.05
    assert [s["name"] for s in c.cli("snapshot", "list") if not s["held"]]


def lag_behind(a, c, notes):
    """a writes while c answers nothing, and is gone for good."""
    c.pause()
    Load([uris(a)], notes, 2, most=800).start().stop()
    wait_level(a, "ab")
    a.kill()
    c.resume()
    lockstep.wait_until(lambda: c.replica("ac")["copy_state"] == "Broken", 30, "c to see that a is gone")


def test_a_sibling_that_is_further_ahead_is_named_and_the_other_follows_it(three):
    a, b, c = three
    mirror(a, b, "ab")
    mirror(a, c, "ac")
    notes = numbered.Notes(2, BLOCKS)
    Load([uris(a)], notes, 1, most=2 * BLOCKS).start().stop()
    wait_level(a, "ab", "ac")
    lag_behind(a, c, notes)

    told = c.cli("replica", "failover", "ac", "--dry-run")
    assert any("further ahead" in warning and "'b'" in warning for warning in told["warnings"]), told
    assert c.replica("ac")["copy_state"] == "Broken"   # nothing was done
    assert "further ahead" not in str(b.cli("replica", "failover", "ab", "--dry-run")["warnings"])

    b.cli("replica", "failover", "ab")
    opened = numbers(b)
    notes.check_nothing_answered_is_lost(opened)
    branch = notes.fork(opened, notes.next_number + 1_000_000)
    load = Load([uris(b)], branch, 3, most=300).start()
    c.cli("replica", "detach", "ac")
    mirror(b, c, "bc", "--group", "g")
    load.stop()
    wait_level(b, "bc")
    assert numbers(b) == numbers(c)
    moved = b.replica("bc")["sent_bytes"]
    assert moved <= 1.05 * 1100 * 4096 + 64 * 1024, f"{moved} bytes went to a target that lacked at most 1100 blocks"


def test_a_target_that_restarts_without_its_source_can_be_failed_over(three):
    a, b, _ = three
    mirror(a, b, "ab")
    notes = numbered.Notes(2, BLOCKS)
    Load([uris(a)], notes, 1, most=500).start().stop()
    wait_level(a, "ab")
    a.kill()
    b.kill()
    b.start()
    b.cli("replica", "failover", "ab")
    notes.check_nothing_answered_is_lost(numbers(b))


def test_failing_over_to_the_one_behind_says_who_is_ahead(three):
    a, b, c = three
    mirror(a, b, "ab")
    mirror(a, c, "ac")
    notes = numbered.Notes(2, BLOCKS)
    Load([uris(a)], notes, 1, most=500).start().stop()
    wait_level(a, "ab", "ac")
    lag_behind(a, c, notes)
    ahead = numbers(b)
    assert ahead != numbers(c)
    c.cli("replica", "failover", "ac")
    said = [event for event in c.cli("event", "list") if event["kind"] == "Sibling"]
    assert said and "group 'g' of system 'b'" in str(said[0]) and "further ahead" in str(said[0]), said
    # b follows c all the same; what only b has is kept there.
    b.cli("replica", "detach", "ab")
    mirror(c, b, "cb", "--group", "g")
    wait_level(c, "cb")
    assert numbers(b) == numbers(c)
    kept = [s["name"] for s in b.cli("snapshot", "list") if not s["held"]]
    assert len(kept) == 1
    b.cli("snapshot", "clone", "g", kept[0], "--prefix", "kept-")
    assert numbers(b, "kept-") == ahead
