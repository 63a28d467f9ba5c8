"""Bytes go bad on disk under real daemons: they are found, named, repaired from the replica where it has them, and never served."""
import glob
import os
import subprocess
import threading

import pytest

import lockstep
import numbered

BLOCK = 4096
SIZE = 16 << 20


def stamp(number):
    """A block that can be found again in a data file."""
    return (f"block {number:08d} ".encode() * (BLOCK // 14 + 1))[:BLOCK]


def write_all(uri, blocks, first=0):
    image = b"".join(stamp(first + n) for n in range(blocks))
    subprocess.run(["nbdcopy", "-", uri], input=image.ljust(SIZE, b"\0"), check=True, capture_output=True)


def read_all(uri):
    done = subprocess.run(["nbdcopy", uri, "-"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def data_file(system):
    return os.path.join(system.data, "pools/p/store/data")


def places(path, content):
    with open(path, "rb") as f:
        whole = f.read()
    found, at = [], whole.find(content)
    while at >= 0:
        found.append(at)
        at = whole.find(content, at + 1)
    return found


def flip(path, at, length=1):
    """In the file and in what the kernel remembers of it."""
    with open(path, "r+b") as f:
        f.seek(at)
        old = f.read(length)
        f.seek(at)
        f.write(bytes(b ^ 0x55 for b in old))
        f.flush()
        os.fsync(f.fileno())


def damage(system, number):
    found = places(data_file(system), stamp(number))
    assert found, f"block {number} is not in {data_file(system)}"
    for at in found:
        flip(data_file(system), at + 1000, 100)
    return found


def events(system, kind):
    return [e for e in system.cli("event", "list") if e["kind"] == kind]


@pytest.fixture
def mirror(pair):
    a, b = pair
    a.make_volumes("data", size="16M")
    a.cli("group", "create", "g", "p/data")
    write_all(a.uri("p/data"), 1024)
    a.cli("replica", "create", "g", "--type", "mirror", "--to", "b", "--mode", "sync", "--name", "r", timeout=300)
    a.wait_state("r", "Synchronized")
    # What is at rest, not what is in memory, is to be damaged.
    for one in (b, a):
        assert one.stop() == 0
        one.start()
    a.wait_state("r", "Synchronized")
    return a, b


def restart(system, while_stopped):
    assert system.stop() == 0
    result = while_stopped()
    system.start()
    return result


@pytest.mark.parametrize("running", [False, True], ids=["while the daemon is stopped", "while it runs"])
def test_a_damaged_block_is_read_right_and_named(mirror, running):
    a, b = mirror
    expected = read_all(a.uri("p/data"))
    if running:
        found = damage(a, 100)
    else:
        found = restart(a, lambda: damage(a, 100))
        a.wait_state("r", "Synchronized")
    assert read_all(a.uri("p/data")) == expected
    told = lockstep.wait_until(lambda: events(a, "Repair"), 10, "the event")
    assert len(told) == 1 and told[0]["object"] == "p/data" and told[0]["after"] == "repaired"
    assert f"offset {100 * BLOCK}" in told[0]["cause"]
    assert f"{data_file(a)} at {found[0]}" in told[0]["cause"]
    assert "system 'b'" in told[0]["cause"]
    # It has a new place: the target is not needed for it any more.
    b.kill()
    assert read_all(a.uri("p/data")) == expected
    assert restart(a, lambda: None) is None
    assert read_all(a.uri("p/data")) == expected
    assert len(events(a, "Repair")) == 1


def test_a_damaged_target_is_repaired_by_a_verification_that_reads(mirror):
    a, b = mirror
    found = damage(b, 200) + damage(b, 201)
    report = a.cli("replica", "verify", "r")
    assert report["equal"] and report["good"] and report["read_bytes"] == 0      # the maps agree; nobody read
    report = a.cli("replica", "verify", "r", "--read")
    assert report["equal"] and report["good"]
    assert report["damaged_blocks"] == 2 and report["mended_blocks"] == 2
    assert any(f"{data_file(b)} at {found[0]}" in line for line in report["findings"])
    assert a.cli("replica", "verify", "r", "--read")["damaged_blocks"] == 0
    told = events(b, "Repair")
    assert {e["object"] for e in told} == {"p/data"} and len(told) == 2
    assert read_all(b.uri("p/data")) == read_all(a.uri("p/data"))


def test_without_a_good_copy_the_read_fails_and_nothing_bad_is_served(mirror):
    a, b = mirror
    damage(a, 300)
    damage(b, 300)
    assert read_all(a.uri("p/data")) is None
    lockstep.wait_until(lambda: any(e["after"] == "not repaired" and e["severity"] == "Critical" for e in events(a, "Repair")), 10, "the event")
    code, out, err = a.run("replica", "verify", "r", "--read", "--json")
    assert code == 1, out
    assert "no good copy" in err
    # Its neighbours are served; a write of the whole block makes it good again, at both ends.
    uri = a.uri("p/data")
    subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P 7 {300 * BLOCK} {BLOCK}", uri], check=True, capture_output=True)
    content = read_all(uri)
    assert content[300 * BLOCK:301 * BLOCK] == bytes([7]) * BLOCK
    lockstep.wait_until(lambda: read_all(b.uri("p/data")) == content, 20, "the same content on the target")
    assert a.cli("replica", "verify", "r", "--read")["good"]


def test_ends_are_equal_under_load_and_verified_only_while_data_flow(mirror):
    a, b = mirror
    done = False

    def load():
        notes = numbered.Notes(1, 2048)
        numbered.Writer([a.uri("p/data")], notes, 3).run(lambda: done)
    writer = threading.Thread(target=load)
    writer.start()
    try:
        positions = set()
        for _ in range(5):
            report = a.cli("replica", "verify", "r", "--repair")
            assert report["equal"] and report["good"] and report["repaired_blocks"] == 0
            positions.add(report["position"])
        assert len(positions) == 5
    finally:
        done = True
        writer.join()
    code, _, err = b.run("replica", "verify", "r")
    assert code == 1 and "system 'a'" in err
    a.cli("replica", "suspend", "r")
    code, _, err = a.run("replica", "verify", "r")
    assert code == 1 and "nothing flows" in err
    a.cli("replica", "resume", "r")
    a.wait_state("r", "Synchronized")
    assert a.cli("replica", "verify", "r")["equal"]
    assert all(e["after"] in ("equal", "failed") for e in events(a, "Verify"))
    assert a.replica("r")["verification"]["equal"]


def journal_segments(system):
    return sorted(glob.glob(os.path.join(system.data, "pools/p/journal/*")))


def test_damage_in_the_retained_journal_costs_a_comparison(mirror):
    a, b = mirror
    b.kill()
    uri = a.uri("p/data")
    for n in range(40):
        subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P {n + 1} {n * BLOCK} {BLOCK}", uri], check=True, capture_output=True)
    assert a.stop() == 0
    flipped = 0
    for path in journal_segments(a):
        for at in places(path, bytes([20]) * BLOCK):
            flip(path, at + 50)
            flipped += 1
    assert flipped
    a.start()
    b.start()
    a.wait_state("r", "Synchronized", seconds=120)
    content = read_all(uri)
    assert content[19 * BLOCK:20 * BLOCK] == bytes([20]) * BLOCK
    assert read_all(b.uri("p/data")) == content
    told = events(a, "Repair")
    assert any("journal" in e["cause"] and e["object"] == "p" for e in told), told
    assert a.replica("r")["sent_bytes"] < 4 << 20


def test_a_torn_tail_is_no_damage_and_damage_before_it_is(system):
    system.make_volumes("data", size="16M")
    uri = system.uri("p/data")
    for n in range(8):
        subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P {n + 1} {n * BLOCK} {BLOCK}", "-c", "flush", uri], check=True, capture_output=True)
    system.kill()
    # The last flushed record: nothing after it says that it was durable, so a tear cannot be told from damage; the ones before it can.
    segment, at = next((p, places(p, bytes([2]) * BLOCK)[0]) for p in journal_segments(system) if places(p, bytes([2]) * BLOCK))
    flip(segment, at + 10)
    system.start()
    pool = next(p for p in system.cli("pool", "list") if p["name"] == "p")
    assert os.path.basename(segment) in str(pool), pool
    done = subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P 9 0 {BLOCK}", uri], capture_output=True, text=True)
    assert done.returncode != 0 or "failed" in done.stdout + done.stderr
    flip(segment, at + 10)      # as it was
    assert system.stop() is not None
    system.start()
    content = read_all(uri)
    for n in range(8):
        assert content[n * BLOCK:(n + 1) * BLOCK] == bytes([n + 1]) * BLOCK
