"""Figures about replication, snapshots and restarts. Each returns a dict for the JSON file and prints a line or two."""
import os
import subprocess
import time

import lateness
import measure
import points
import servers
import workloads
from pairs import pair


def mirror(options, work):
    """4K random write, QD16: with a synchronous mirror against without a relationship. Interleaved."""
    load = workloads.Workload("randwrite-qd16", "randwrite")
    source, target = pair(work, min(options.size, 2 * 2**30))
    alone = servers.Lockstep(work, source.size)
    results = {"alone": [], "synchronous": []}
    try:
        workloads.fill(source)
        source.cli("replica", "create", "g", "--type", "mirror", "--to", "target", "--mode", "sync", "--name", "m")
        alone.prepare()
        alone.start()
        workloads.fill(alone)
        for _ in range(options.rounds):
            results["alone"].append(load.run(alone, options.seconds)["per_second"])
            results["synchronous"].append(load.run(source, options.seconds)["per_second"])
    finally:
        for system in (source, target, alone):
            system.remove()
    medians = {key: measure.median(values) for key, values in results.items()}
    ratio = medians["synchronous"] / medians["alone"]
    print(f"\nmirror: synchronous {medians['synchronous']:.0f} / alone {medians['alone']:.0f} ops/s = {ratio:.2f} (wanted 0.5)")
    return {"medians": medians, "ratio": ratio, "runs": results}


def make_certificates(folder):
    """A CA and a server certificate for nbdkit and nbdcopy, in GnuTLS's file names."""
    os.makedirs(folder, exist_ok=True)
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca-key.pem", "-out", "ca-cert.pem", "-subj", "/CN=bench", "-days", "2")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server-key.pem", "-out", "server.csr", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out", "server-cert.pem")


def copy_rival(work, size, certificates):
    """nbdcopy --flush over TLS from one nbdkit file to a new file behind another: seconds."""
    folder = os.path.join(work, "nbdcopy")
    os.makedirs(folder, exist_ok=True)
    source, target = os.path.join(folder, "from"), os.path.join(folder, "to")
    if not os.path.exists(source):
        subprocess.run(["dd", "if=/dev/urandom", f"of={source}", "bs=1M", f"count={size // 2**20}", "status=none"], check=True)
    if os.path.exists(target):
        os.unlink(target)
    subprocess.run(["truncate", "-s", str(size), target], check=True)
    started = []
    try:
        for number, file in enumerate((source, target)):
            socket = os.path.join(folder, f"s{number}")
            if os.path.exists(socket):
                os.unlink(socket)
            process = subprocess.Popen(["nbdkit", "-f", "-U", socket, "--tls=require", f"--tls-certificates={certificates}", "file", file])
            started.append(process)
            servers.wait_for(socket, process)
        uris = [f"nbds+unix://localhost/?socket={folder}/s{n}&tls-certificates={certificates}" for n in (0, 1)]
        with measure.Stopwatch() as watch:
            subprocess.run(["nbdcopy", "--flush", *uris], check=True)
        return watch.seconds
    finally:
        for process in started:
            servers.stop(process)


def copy(options, work):
    """Initial copy of a mirror against nbdcopy over TLS between two nbdkit file. Interleaved."""
    size = min(options.size, 4 * 2**30)
    certificates = os.path.join(work, "certificates")
    make_certificates(certificates)
    source, target = pair(work, size)
    results = {"lockstep": [], "nbdcopy": []}
    try:
        workloads.fill(source)
        for number in range(options.rounds):
            results["nbdcopy"].append(copy_rival(work, size, certificates))
            with measure.Stopwatch() as watch:
                source.cli("replica", "create", "g", "--type", "mirror", "--to", "target", "--mode", "async", "--name", f"m{number}")
            results["lockstep"].append(watch.seconds)
            source.cli("replica", "detach", f"m{number}")
            target.cli("group", "delete", "g", check=False)
            target.cli("volume", "delete", f"{target.pool}/{target.volume}", check=False)
    finally:
        source.remove()
        target.remove()
    medians = {key: measure.median(values) for key, values in results.items()}
    ratio = medians["nbdcopy"] / medians["lockstep"]
    print(f"\ncopy of {size >> 20} MiB: lockstep {medians['lockstep']:.2f} s, nbdcopy {medians['nbdcopy']:.2f} s; speed ratio {ratio:.2f} (wanted 0.8)")
    return {"medians": medians, "ratio": ratio, "runs": results}


def verify(options, work):
    """Both ends of an equal mirror compared: no data are read. Once after the first copy, then again."""
    size = min(options.size, 8 * 2**30)
    source, target = pair(work, size)
    times = []
    try:
        workloads.fill(source)
        source.cli("replica", "create", "g", "--type", "mirror", "--to", "target", "--mode", "async", "--name", "m")
        for _ in range(max(2, options.rounds)):
            with measure.Stopwatch() as watch:
                source.cli("replica", "verify", "m")
            times.append(watch.seconds)
    finally:
        source.remove()
        target.remove()
    print(f"\nverify of {size >> 20} MiB: first {times[0]:.2f} s, then {measure.median(times[1:]):.2f} s (wanted below 2 s for 8 GiB)")
    return {"seconds": times, "bytes": size}


def snapshot(options, work):
    """Snapshot of a group of 20 volumes under load: time of the call, longest wait of a write meanwhile."""
    count, each = 20, max(16 * 2**20, min(options.size, 4 * 2**30) // 20)
    system = servers.Lockstep(work, each)
    times = []
    try:
        system.start()
        system.cli("pool", "create", system.pool, "--path", os.path.join(system.data, "pools", system.pool))
        names = []
        for number in range(count):
            system.volume = f"v{number}"
            names.append(f"{system.pool}/{system.volume}")
            system.cli("volume", "create", names[-1], "--size", str(each))
            workloads.fill(system)
        system.cli("group", "create", "g", *names)
        load = subprocess.Popen(["fio", "--name=b", "--ioengine=nbd", f"--uri={system.uri}", "--rw=randwrite", "--bs=4k", "--iodepth=4",
                                 f"--size={each}", "--time_based", f"--runtime={max(4, min(options.seconds, 20))}", "--thread", "--randrepeat=0", "--output-format=json",
                                 "--output", os.path.join(system.work, "load.json")])
        time.sleep(1.5)
        for number in range(10):
            answer = system.cli("group", "snapshot", "g", "--name", f"s{number}")
            times.append((answer or {}).get("milliseconds"))
            time.sleep(0.1)
        load.wait(120)
        import json
        with open(os.path.join(system.work, "load.json")) as f:
            text = f.read()
        longest = json.loads(text[text.index("{"):])["jobs"][0]["write"]["clat_ns"]["max"] / 1e6
    finally:
        system.remove()
    known = [t for t in times if t is not None]
    print(f"\nsnapshot of {count} volumes: median {measure.median(known)} ms, slowest {max(known, default=None)} ms; longest write meanwhile {longest:.1f} ms (wanted below 50)")
    return {"milliseconds": known, "longest_write_ms": longest}


def restart(options, work):
    """SIGKILL under random writes, then the time until the volume answers again."""
    system = servers.Lockstep(work, min(options.size, 8 * 2**30))
    times = []
    try:
        system.prepare()
        system.start()
        workloads.fill(system)
        for _ in range(options.rounds):
            load = subprocess.Popen(["fio", "--name=b", "--ioengine=nbd", f"--uri={system.uri}", "--rw=randwrite", "--bs=4k", "--iodepth=16",
                                     f"--size={system.size}", "--time_based", f"--runtime={options.seconds}", "--thread", "--randrepeat=0"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(max(0.5, options.seconds * 0.9))
            system.process.kill()
            system.process.wait()
            load.wait()
            with measure.Stopwatch() as watch:
                system.start()
                measure.flush_seconds(system.uri)
            times.append(watch.seconds)
    finally:
        system.remove()
    print(f"\nrestart after SIGKILL: median {measure.median(times):.2f} s, slowest {max(times):.2f} s (wanted below 5)")
    return {"seconds": times}


SCENARIOS = {"mirror": mirror, "copy": copy, "verify": verify, "snapshot": snapshot, "restart": restart, **points.SCENARIOS, **lateness.SCENARIOS}
