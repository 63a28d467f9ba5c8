"""Daemons die at random moments under a writer that notes every answer outside."""
import os
import random
import threading
import time

import numbered

KILLS = int(os.environ.get("LOCKSTEP_KILLS", "50"))
BLOCKS = 1024


def write_until_killed(system, uris, notes, seed, seconds):
    """Writes; after `seconds` the system is killed."""
    writer = numbered.Writer(uris, notes, seed)
    timer = threading.Timer(seconds, system.kill)
    timer.start()
    writer.run(lambda: system.process is None)
    timer.join()


def test_every_answered_write_is_there_after_restart(system):
    system.make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
    system.cli("group", "create", "g", "p/data", "p/wal")
    uris = [system.uri("p/data"), system.uri("p/wal")]
    notes = numbered.Notes(2, BLOCKS)
    choose = random.Random(int(os.environ.get("LOCKSTEP_SEED", "1")))
    for turn in range(KILLS // 2):
        write_until_killed(system, uris, notes, turn, choose.uniform(0.05, 0.6))
        system.start()
        found = numbered.read_numbers(uris, BLOCKS)
        notes.check_nothing_answered_is_lost(found)
        notes.check_is_prefix(found)
        notes.forget_all_but(found)
    assert notes.next_number > 1000


def promote(survivor, dead, relationship):
    """The survivor serves; the old source comes back and follows it."""
    survivor.cli("replica", "failover", relationship)
    return survivor, dead


def follow_again(serving, returned, relationship):
    returned.start()
    serving.cli("replica", "reverse", relationship)
    serving.cli("replica", "resume", relationship, timeout=300)
    serving.wait_state(relationship, "Synchronized", seconds=120)


def run_failovers(pair, mode, kills, check):
    source, target = pair
    for one in pair:
        assert one.cli("pool", "list")
    source.make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
    source.cli("group", "create", "g", "p/data", "p/wal")
    source.cli("replica", "create", "g", "--type", "mirror", "--to", target.name, "--mode", mode, "--name", "r", timeout=300)
    source.wait_state("r", "Synchronized")
    notes = numbered.Notes(2, BLOCKS)
    choose = random.Random(int(os.environ.get("LOCKSTEP_SEED", "2")))
    for turn in range(kills):
        uris = [source.uri("p/data"), source.uri("p/wal")]
        if choose.random() < 0.4:
            # The target dies; the source goes on and the target catches up.
            writer = numbered.Writer(uris, notes, turn)
            stop_at = time.monotonic() + choose.uniform(0.3, 0.8)
            timer = threading.Timer(choose.uniform(0.05, 0.3), target.kill)
            timer.start()
            writer.run(lambda: time.monotonic() > stop_at)
            timer.join()
            writer.finish()
            target.start()
            source.wait_state("r", "Synchronized", seconds=120)
            found = numbered.read_numbers(uris, BLOCKS)
            notes.check_nothing_answered_is_lost(found)
            continue
        write_until_killed(source, uris, notes, turn, choose.uniform(0.05, 0.6))
        if choose.random() < 0.3:
            source.start()                    # comes back by itself: nothing is lost, and the pair heals
            found = numbered.read_numbers(uris, BLOCKS)
            notes.check_nothing_answered_is_lost(found)
            notes.forget_all_but(found)
            source.wait_state("r", "Synchronized", seconds=120)
            continue
        source, target = promote(target, source, "r")
        found = numbered.read_numbers([source.uri("p/data"), source.uri("p/wal")], BLOCKS)
        check(notes, found)
        notes.forget_all_but(found)
        follow_again(source, target, "r")
    assert notes.next_number > 1000


def test_synchronous_failover_loses_no_answered_write(pair):
    run_failovers(pair, "sync", KILLS // 2, lambda notes, found: notes.check_nothing_answered_is_lost(found))


def test_asynchronous_failover_opens_a_prefix_across_volumes(pair):
    run_failovers(pair, "async", max(6, KILLS // 5), lambda notes, found: notes.check_is_prefix(found))
