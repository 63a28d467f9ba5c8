"""Points in time: how long snapshots, clones and tokens take, what they cost the writes after them, when a copy made from a token opens."""
import json
import os
import subprocess
import time

import nbd

import measure
import pairs
import servers
import workloads


def fill_sparsely(system, names, each, span):
    """`each` bytes into every volume, in 1 MiB pieces anywhere in its first `span` bytes; all volumes at a time."""
    job = ["[global]", "ioengine=nbd", "rw=randwrite", "bs=1m", f"size={span}", f"io_size={each}", "iodepth=2", "thread", "refill_buffers", "randrepeat=0", "norandommap", "end_fsync=1"]
    for name in names:
        job += [f"[{name.replace('/', '-')}]", f"uri={system.uri_of(name)}"]
    path = os.path.join(system.work, "fill.fio")
    with open(path, "w") as f:
        f.write("\n".join(job) + "\n")
    subprocess.run(["fio", path, "--output-format=json"], capture_output=True, check=True, timeout=1800)


def write_a_bit(system, name):
    handle = nbd.NBD()
    handle.connect_uri(system.uri_of(name))
    handle.pwrite(os.urandom(1 << 20), 0)
    handle.shutdown()


def wide(options, work):
    """A group of 100 volumes of 1 TiB with 8 GiB in all: snapshot, clone of it, clone as a replica, token. The calls' own time."""
    count, span = (8, 2**30) if options.tiny else (100, 2**40)
    data = min(options.size, 8 * 2**30)
    system = servers.Lockstep(work, span)
    times = {"snapshot": [], "clone of a snapshot": [], "clone": [], "token": [], "delete": []}
    try:
        system.start()
        system.cli("pool", "create", system.pool, "--path", os.path.join(system.data, "pools", system.pool))
        names = [f"{system.pool}/v{number}" for number in range(count)]
        for name in names:
            system.cli("volume", "create", name, "--size", str(span))
        fill_sparsely(system, names, max(2**20, data // count), span)
        system.cli("group", "create", "g", *names)
        for number in range(1 if options.tiny else 5):
            write_a_bit(system, names[number])                  # there is something new each time
            snapshot = f"{system.OEM}/Snapshots/{system.pool}:g:s{number}"
            times["snapshot"].append(system.timed("POST", f"{system.OEM}/Snapshots", {"Group": "g", "Name": f"s{number}"})[0])
            times["clone of a snapshot"].append(system.timed("POST", f"{snapshot}/Actions/LockstepSnapshot.Clone", {"Prefix": f"c{number}-"})[0])
            times["clone"].append(system.timed("POST", f"{system.OEM}/Relationships?wait=5", {"Group": "g", "SyncType": "Clone", "RelationshipName": f"r{number}", "TargetGroup": f"t{number}"})[0])
            times["token"].append(system.timed("POST", f"{system.OEM}/Tokens", {"Group": "g", "ValidSeconds": 600})[0])
            system.timed("POST", f"{system.OEM}/Snapshots", {"Group": "g", "Name": f"gone{number}"})
            write_a_bit(system, names[number])
            times["delete"].append(system.timed("DELETE", f"{system.OEM}/Snapshots/{system.pool}:g:gone{number}")[0])
    finally:
        system.remove()
    print(f"\nwide: group of {count} volumes of {span >> 30} GiB, {data >> 20} MiB in all (wanted below 100 ms each)")
    for what, seconds in times.items():
        print(f"  {what:20} median {measure.median(seconds) * 1e3:7.1f} ms, slowest {max(seconds) * 1e3:7.1f} ms")
    return {"seconds": times, "volumes": count, "bytes": data}


def settle(system, seconds=60):
    """Until what was deleted has been given back: the pool's used bytes rest for two seconds."""
    end, before, since = time.monotonic() + seconds, None, time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < 2:
        used = system.cli("pool", "show", system.pool)["used_bytes"]
        if used != before:
            before, since = used, time.monotonic()
        time.sleep(0.25)


def overwrite(options, work):
    """4K random writes before a snapshot, and the first ones after it; then the snapshot's deletion."""
    load = workloads.Workload("randwrite-qd16", "randwrite")
    system = servers.Lockstep(work, min(options.size, 8 * 2**30))
    runs, deletions = {"before": [], "after": []}, []
    try:
        system.prepare()
        system.start()
        workloads.fill(system)
        system.cli("group", "create", "g", f"{system.pool}/{system.volume}")
        for number in range(options.rounds):
            runs["before"].append(load.run(system, options.seconds)["per_second"])
            system.cli("group", "snapshot", "g", "--name", f"s{number}")
            runs["after"].append(load.run(system, options.seconds)["per_second"])
            deletions.append(system.timed("DELETE", f"{system.OEM}/Snapshots/{system.pool}:g:s{number}")[0])
            if not options.tiny:
                settle(system)
    finally:
        system.remove()
    ratio = measure.median([after / before for after, before in zip(runs["after"], runs["before"])])   # of neighbours: the machine is noisy
    print(f"\noverwrite: {measure.median(runs['after']):.0f} ops/s after a snapshot, {measure.median(runs['before']):.0f} before = {ratio:.2f} (wanted 0.8); "
          f"deleting it takes {measure.median(deletions) * 1e3:.1f} ms, at most {max(deletions) * 1e3:.1f} ms")
    return {"runs": runs, "ratio": ratio, "delete_seconds": deletions}


def first_read(uri, expected, seconds=120):
    """Until the volume is there and its first block is read."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        handle = nbd.NBD()                                      # the one before it is closed with it
        try:
            handle.connect_uri(uri)
            if handle.pread(len(expected), 0) != expected:
                raise RuntimeError(f"{uri} does not hold what its source held")
            return
        except nbd.Error as error:
            last = error
            time.sleep(0.005)
    raise RuntimeError(f"{uri} cannot be read: {last}")


def token(options, work):
    """A copy made from a token on another system: until its first block is read there, and until it is complete."""
    size = min(options.size, 8 * 2**30)
    source, target = pairs.pair(work, size)
    opened, complete = [], []
    try:
        workloads.fill(source)
        block = os.urandom(4096)
        handle = nbd.NBD()
        handle.connect_uri(source.uri)
        handle.pwrite(block, 0)
        handle.shutdown()
        for number in range(1 if options.tiny else options.rounds):
            word = source.cli("token", "create", "g", "--valid", "1h")["token"]
            begun = time.monotonic()
            _, status, answer = target.timed("POST", f"{target.OEM}/Actions/LockstepService.UseToken", {"Token": word, "TargetGroup": f"t{number}", "RelationshipName": f"r{number}", "Mode": "Asynchronous"})
            volume = wait_for_volume(target, f"t{number}")
            first_read(target.uri_of(volume), block)
            opened.append(time.monotonic() - begun)
            if status == 202:
                target.cli("job", "wait", answer["Id"])
            complete.append(time.monotonic() - begun)
    finally:
        source.remove()
        target.remove()
    print(f"\ntoken: a copy of {size >> 20} MiB on another system is read after {measure.median(opened) * 1e3:.0f} ms, at most {max(opened) * 1e3:.0f} ms (wanted below 200); "
          f"complete after {measure.median(complete):.2f} s")
    return {"opened_seconds": opened, "complete_seconds": complete, "bytes": size}


def wait_for_volume(system, group, seconds=60):
    """POOL/NAME of the one volume of a group that is being made."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _, status, answer = system.timed("GET", f"{system.STORAGE}/ConsistencyGroups/{system.pool}:{group}")
        names = answer.get("Oem", {}).get("Lockstep", {}).get("VolumeNames", []) if status == 200 else []
        if names:
            return names[0] if "/" in names[0] else f"{system.pool}/{names[0]}"
        time.sleep(0.005)
    raise RuntimeError(f"group {group} is not made: {json.dumps(answer)[:500]}")


SCENARIOS = {"wide": wide, "overwrite": overwrite, "token": token}
