"""A token's target in real daemons: used while it is filled over a slow link, with foreign clients, while systems die."""
import os
import subprocess

import pytest

import lockstep

MIB = 1 << 20


def qemu_io(uri, *commands, fails=False):
    words = ["qemu-io", "-f", "raw"]
    for command in commands:
        words += ["-c", command]
    done = subprocess.run([*words, uri], capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    failed = done.returncode != 0 or "failed" in text or "error" in text.lower()
    assert failed == fails, text
    return text


def same(uri, path):
    done = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "raw", uri, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{uri}: {done.stdout}{done.stderr}"


def volumes_of(system, group):
    (one,) = [g for g in system.cli("group", "list") if g["name"] == group]
    return [f"p/{volume.split('/')[-1]}" for volume in one["volumes"]]


@pytest.fixture
def source(pair):
    """Group `g` of a small volume and of one of 1 TiB with little in it; the small one's content as a file."""
    a, _ = pair
    a.make_volumes("small", size=str(16 * MIB))
    a.make_volumes("large", size="1T")
    a.cli("group", "create", "g", "p/small", "p/large")
    qemu_io(a.uri("p/small"), "write -P 17 0 6M", "write -P 33 9M 64k", f"write -P 65 {16 * MIB - 65536} 64k", "flush")
    qemu_io(a.uri("p/large"), "write -P 20 100G 4M", "write -P 18 512G 64k", "write -P 19 1023G 64k", "flush")
    return a


def make_copy(a):
    """Relationship `r`, over a link on which it takes minutes."""
    a.cli("replica", "create", "g", "--type", "tokenized-clone", "--to", "b", "--mode", "async", "--limit", "64K", "--name", "r", "--group", "copy", "--no-wait")


def test_whoever_presents_a_token_uses_it_at_once(pair, source):
    a, b = pair
    token = a.cli("token", "create", "g")["token"]
    qemu_io(a.uri("p/small"), "write -P 99 0 1M", "flush")
    b.cli("token", "use", token, "--name", "r", "--group", "copy", "--mode", "async", "--no-wait")
    small, large = volumes_of(b, "copy")
    qemu_io(b.uri(large), "read -P 19 1023G 64k", "read -P 0 700G 64k", "write -P 5 700G 512", "read -P 5 700G 512", "read -P 0 751619277312 512")
    qemu_io(b.uri(small), "read -P 17 0 1M")
    lockstep.wait_until(lambda: b.cli("replica", "list") == [], 60, "the end of the relationship")
    qemu_io(b.uri(small), "read -P 17 0 6M", "read -P 0 6M 3M")


def test_it_is_used_while_it_is_filled(pair, source, tmp_path):
    a, b = pair
    image = os.path.join(str(tmp_path), "expected.raw")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "raw", a.uri("p/small"), image], check=True, timeout=60)
    make_copy(a)
    qemu_io(a.uri("p/small"), "write -P 99 0 1M", "flush")                  # not in it
    small, large = volumes_of(b, "copy")
    qemu_io(b.uri(small), "read -P 17 4M 256k", "read -P 33 9M 64k", "read -P 0 8M 64k", f"read -P 65 {16 * MIB - 65536} 64k")
    qemu_io(b.uri(large), "read -P 18 512G 64k", "read -P 19 1023G 64k", "read -P 0 700G 64k")
    for uri in (b.uri(small), image):
        qemu_io(uri, "write -P 7 1M 64k", "write -P 8 2097664 512", "write -P 9 8389120 1024", "discard 3M 64k" if uri != image else "write -z 3M 64k", "flush")
    with pytest.raises(lockstep.Refused) as refused:
        b.cli("group", "snapshot", "copy", "--name", "early")
    assert "still being filled" in str(refused.value)

    b.kill()
    b.start()
    qemu_io(b.uri(small), "read -P 7 1M 64k", "read -P 8 2097664 512", "read -P 17 2098176 512", "read -P 17 5M 64k", "read -P 0 3M 64k")
    whole = os.path.join(str(tmp_path), "copied.raw")
    subprocess.run(["nbdcopy", b.uri(small), whole], check=True, timeout=120)
    same(whole, image)

    a.kill()
    text = qemu_io(b.uri(large), "read 100G 4k", fails=True)
    assert "Input/output error" in text
    qemu_io(b.uri(small), "read -P 7 1M 64k", "write -P 10 12M 4k", "flush")
    qemu_io(image, "write -P 10 12M 4k")
    a.start()
    a.wait_state("r", "Unsynchronized")
    qemu_io(b.uri(large), "read -P 20 100G 4k")

    a.cli("replica", "set", "r", "--limit", "0")
    lockstep.wait_until(lambda: a.cli("replica", "list") == [] and b.cli("replica", "list") == [], 60, "the end of the relationship")
    same(b.uri(small), image)
    qemu_io(b.uri(large), "read -P 18 512G 64k", "read -P 19 1023G 64k", "read -P 20 100G 4M", "read -P 0 110G 64k")
    b.cli("group", "snapshot", "copy", "--name", "late")
    assert a.cli("token", "list") == []


def test_a_revoked_token_leaves_what_came_and_what_was_written(pair, source):
    a, b = pair
    make_copy(a)
    small, large = volumes_of(b, "copy")
    qemu_io(b.uri(small), "read -P 17 4M 64k", "write -P 7 8M 4k", "flush")
    (token,) = a.cli("token", "list")
    with pytest.raises(lockstep.Refused) as refused:
        a.cli("token", "revoke", token["id"])
    assert "'r'" in str(refused.value)
    a.cli("token", "revoke", token["id"], "--force")
    a.wait_state("r", "Aborted")
    qemu_io(b.uri(small), "read -P 17 4M 64k", "read -P 7 8M 4k")
    qemu_io(b.uri(large), "read 1023G 4k", fails=True)
    a.cli("replica", "detach", "r")
    qemu_io(b.uri(small), "read -P 17 4M 64k", "write -P 8 9M 4k", "read -P 8 9M 4k")
    qemu_io(b.uri(large), "read 1023G 4k", fails=True)
