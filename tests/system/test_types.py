"""All replication types of the model between two real daemons: each SyncType in each Mode, local and remote, with real data.
What a target must hold is known beforehand: a mirror, the source; anything else, the source at the instant of the call."""
import itertools
import os
import subprocess

import pytest

import lockstep

SIZE = 8 << 20
TYPES = ["mirror", "snapshot", "clone", "tokenized-clone"]
MODES = ["sync", "async", "adaptive"]
WHERE = ["local", "other-pool", "remote"]


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types", numbered=True)
    a, b = lockstep.System(folder, "a").start(), lockstep.System(folder, "b").start()
    try:
        for one in (a, b):
            one.make_pool()
        a.make_pool("q")
        lockstep.pair_up(a, b)
        yield a, b
    finally:
        for one in (a, b):
            if one.process:
                one.process.kill()
                one.process.wait()


def qemu_io(uri, *commands):
    words = ["qemu-io", "-f", "raw"]
    for command in commands:
        words += ["-c", command]
    done = subprocess.run([*words, uri], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr


def save(uri, path):
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "raw", uri, path], check=True, timeout=60)


def same(uri, path):
    done = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", uri, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{uri}: {done.stdout}{done.stderr}"


def make_source(a, name):
    volumes = [f"{name}-data", f"{name}-wal"]
    a.make_volumes(*volumes, size=str(SIZE))
    a.cli("group", "create", name, *[f"p/{volume}" for volume in volumes])
    for i, volume in enumerate(volumes):
        qemu_io(a.uri(f"p/{volume}"), f"write -P {17 + i} 0 1M", f"write -P {33 + i} 3M 64k", f"write -P {65 + i} {SIZE - 65536} 64k", "flush")
    return [f"p/{volume}" for volume in volumes]


def volumes_of(system, pool, group):
    for one in system.cli("group", "list"):
        if one["name"] == group and one["pool"] == pool:
            return [f"{pool}/{volume.split('/')[-1]}" for volume in one["volumes"]]
    raise AssertionError(f"{system.name} has no group {pool}/{group}")


@pytest.mark.parametrize("where, kind, mode", itertools.product(WHERE, TYPES, MODES))
def test_the_target_holds_what_the_type_promises(systems, tmp_path, where, kind, mode):
    a, b = systems
    name = f"{where[0]}{kind[:2]}{mode[:2]}"
    volumes = make_source(a, name)
    images = [os.path.join(str(tmp_path), f"{i}.raw") for i in range(2)]
    for volume, image in zip(volumes, images):
        save(a.uri(volume), image)
    target_system, pool = (b, "p") if where == "remote" else (a, "q" if where == "other-pool" else "p")
    more = ["--to", "b"] if where == "remote" else ["--pool", pool]
    a.cli("replica", "create", name, "--type", kind, "--mode", mode, "--name", f"r-{name}", "--group", f"t-{name}", *more)
    for volume in volumes:
        qemu_io(a.uri(volume), "write -P 99 512k 1M", "flush")
    if kind == "mirror":
        a.wait_state(f"r-{name}", "Synchronized")
        lockstep.wait_until(lambda: a.replica(f"r-{name}")["backlog_bytes"] == 0, 30, "an empty backlog")
        a.cli("replica", "split", f"r-{name}")
        for volume, image in zip(volumes, images):
            save(a.uri(volume), image)
    elif kind == "snapshot":
        a.wait_state(f"r-{name}", "Synchronized")
        assert a.replica(f"r-{name}")["sync_type"] == "Snapshot"
    else:
        lockstep.wait_until(lambda: f"r-{name}" not in [r["name"] for r in a.cli("replica", "list")], 30, "the clone's end")
    targets = volumes_of(target_system, pool, f"t-{name}")
    for volume, image in zip(targets, images):
        same(target_system.uri(volume), image)
    qemu_io(target_system.uri(targets[0]), "write -P 7 0 4k", "flush")   # each of them serves hosts now
    if kind in ("mirror", "snapshot"):
        a.cli("replica", "detach" if kind == "mirror" else "return", f"r-{name}")
    if kind == "snapshot":
        assert f"t-{name}" not in [g["name"] for g in target_system.cli("group", "list")]


def test_a_token_is_good_for_one_copy(systems, tmp_path):
    a, b = systems
    volumes = make_source(a, "tok")
    image = os.path.join(str(tmp_path), "0.raw")
    save(a.uri(volumes[0]), image)
    token = a.cli("token", "create", "tok", "--valid", "1h")["token"]
    qemu_io(a.uri(volumes[0]), "write -P 99 0 4k", "flush")
    assert [t["group"] for t in a.cli("token", "list")] == ["tok"]
    forged = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    with pytest.raises(lockstep.Refused):
        b.cli("token", "use", forged, "--group", "tok-copy")
    b.cli("token", "use", token, "--group", "tok-copy")
    same(b.uri(volumes_of(b, "p", "tok-copy")[0]), image)
    lockstep.wait_until(lambda: a.cli("token", "list") == [], 30, "the end of a token that is used up")
    with pytest.raises(lockstep.Refused) as refused:
        b.cli("token", "use", token, "--group", "tok-again")
    assert "used up" in str(refused.value)


def test_a_reusable_token_serves_until_it_is_revoked(systems, tmp_path):
    a, b = systems
    volumes = make_source(a, "many")
    image = os.path.join(str(tmp_path), "0.raw")
    save(a.uri(volumes[0]), image)
    token = a.cli("token", "create", "many", "--reusable")["token"]
    qemu_io(a.uri(volumes[0]), "write -P 99 0 4k", "flush")
    for number, system in enumerate((b, a, b)):
        system.cli("token", "use", token, "--name", f"many-{number}", "--group", f"many-{number}")
        same(system.uri(volumes_of(system, "p", f"many-{number}")[0]), image)
    listed = a.cli("token", "list")
    assert len(listed) == 1 and listed[0]["reusable"]
    a.cli("token", "revoke", listed[0]["id"])
    assert a.cli("token", "list") == []
    with pytest.raises(lockstep.Refused):
        b.cli("token", "use", token, "--group", "many-late")
