"""Clients that are not ours, on volumes of a real system."""
import json
import os
import subprocess

GIB = 2**30


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}\n{done.stdout}"
    return done.stdout


def test_nbdinfo_tells_size_list_and_map(system):
    system.make_volumes("data", size="64M")
    system.make_volumes("wal", size="8M")
    # What it guesses of the content comes from file(1), or from nowhere where that is not installed.
    info = json.loads(run("nbdinfo", "--json", "--no-content", system.uri("p/data")))["exports"][0]
    assert info["export-size"] == 64 * 2**20
    assert info["is_read_only"] is False and info["can_flush"] and info["can_fua"] and info["can_trim"] and info["can_zero"]
    assert info["can_multi_conn"] and info["can_cache"] and info["can_fast_zero"] and info["can_df"]
    names = {e["export-name"] for e in json.loads(run("nbdinfo", "--json", "--list", system.uri("")))["exports"]}
    assert names == {"p/data", "p/wal"}
    run("qemu-io", "-f", "raw", "-c", "write -P 7 1M 64k", system.uri("p/data"))
    extents = json.loads(run("nbdinfo", "--json", "--map", system.uri("p/data")))
    data = [(e["offset"], e["length"]) for e in extents if e["type"] == 0]
    assert data == [(1 << 20, 64 << 10)]


def test_nbdcopy_both_ways_of_a_random_file(system, folder):
    size = int(os.environ.get("LOCKSTEP_COPY_BYTES", 2 * GIB))
    system.make_volumes("big", size=str(size))
    source, back = os.path.join(folder, "random"), os.path.join(folder, "back")
    subprocess.run(["dd", "if=/dev/urandom", f"of={source}", "bs=4M", f"count={size // (4 << 20)}", "status=none"], check=True)
    run("nbdcopy", "--flush", source, system.uri("p/big"))
    run("nbdcopy", system.uri("p/big"), back)
    run("cmp", source, back)
    run("qemu-img", "compare", "-f", "raw", "-F", "raw", source, system.uri("p/big"))
    system.kill()
    system.start()
    run("qemu-img", "compare", "-f", "raw", "-F", "raw", source, system.uri("p/big"))


def test_qemu_io_writes_zeroes_discards_and_checks_patterns(system):
    system.make_volumes("v", size="16M")
    uri = system.uri("p/v")
    run("qemu-io", "-f", "raw", "-c", "write -P 0x11 0 1M", "-c", "write -P 0x22 512 1024", "-c", "write -z 8k 16k", "-c", "discard 64k 64k",
        "-c", "flush", "-c", "read -P 0x11 0 512", "-c", "read -P 0x22 512 1024", "-c", "read -P 0x11 1536 6656", "-c", "read -P 0 8k 16k",
        "-c", "read -P 0 64k 64k", "-c", "read -P 0x11 128k 896k", uri)
    done = subprocess.run(["qemu-io", "-f", "raw", "-c", "write 16M 4k", uri], capture_output=True, text=True)
    assert done.returncode != 0 or "error" in (done.stdout + done.stderr).lower() or "past" in (done.stdout + done.stderr).lower()


def test_fio_verifies_through_two_connections(system):
    system.make_volumes("v", size="256M")
    common = ["fio", "--ioengine=nbd", f"--uri={system.uri('p/v')}", "--rw=randwrite", "--bs=4k-64k", "--bs_unaligned=0", "--iodepth=16", "--verify=crc32c",
              "--verify_fatal=1", "--verify_state_save=0", "--do_verify=1", "--thread", "--output-format=json"]
    run(*common, "--name=one", "--offset=0", "--size=96M", "--name=two", "--offset=128M", "--size=96M")
