"""The target is away for a while under load: what travels afterwards is what it lacks, and nothing else."""
import os
import time

import pytest

import numbered

BLOCKS = 4096
OUTAGE = float(os.environ.get("LOCKSTEP_OUTAGE", "10"))


def start_mirror(pair, *more):
    source, target = pair
    source.make_volumes("data", "wal", size=f"{BLOCKS * 4}K")
    source.cli("group", "create", "g", "p/data", "p/wal")
    source.cli("replica", "create", "g", "--type", "mirror", "--to", "b", "--mode", "async", "--name", "r", *more, timeout=300)
    source.wait_state("r", "Synchronized")
    return source, target, [source.uri("p/data"), source.uri("p/wal")]


def outage_under_load(source, target, uris, notes):
    """Bytes of records written while the target is away, and how many distinct blocks."""
    settle(source)
    target.kill()
    first = notes.next_number
    end = time.monotonic() + OUTAGE
    writer = numbered.Writer(uris, notes, 7)
    writer.run(lambda: time.monotonic() > end)
    writer.finish()
    written = [notes.submitted[n][1:] for n in range(first, notes.next_number)]
    return len(written) * 4096, len(set(written)) * 4096


def settle(source):
    import lockstep
    lockstep.wait_until(lambda: source.replica("r")["backlog_bytes"] == 0 and source.replica("r")["lag_seconds"] == 0, 60, "an empty backlog")
    time.sleep(0.5)   # until the target's durable position is known: acknowledged at least five times a second


def same(source, target):
    here = numbered.read_numbers([source.uri("p/data"), source.uri("p/wal")], BLOCKS)
    there = numbered.read_numbers([target.uri("p/data"), target.uri("p/wal")], BLOCKS)
    assert here == there


@pytest.mark.parametrize("budget, kind", [("4G", "journal"), ("16M", "change map")], ids=["the journal holds the records", "the change map holds the blocks"])
def test_only_what_the_target_lacks_travels(pair, budget, kind):
    source, target, uris = start_mirror(pair, "--journal-budget", budget)
    notes = numbered.Notes(2, BLOCKS)
    sent_before = source.replica("r")["sent_bytes"]
    records, blocks = outage_under_load(source, target, uris, notes)
    sent_meanwhile = source.replica("r")["sent_bytes"]
    target.start()
    source.wait_state("r", "Synchronized", seconds=120)
    settle(source)
    sent = source.replica("r")["sent_bytes"] - sent_before
    allowed = records if kind == "journal" else blocks
    assert sent <= 1.05 * allowed + 64 * 1024, f"{sent} bytes were sent ({sent_meanwhile - sent_before} of them before the target was back), at most {allowed} were needed ({kind})"
    same(source, target)
