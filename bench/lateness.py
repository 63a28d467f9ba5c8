"""Targets that are late: what a write waits for at most in Adaptive mode, and whether pacing holds the lag."""
import json
import os
import signal
import subprocess
import threading
import time

import measure
import pairs
import workloads


def writer(system, name, *words):
    """fio on the volume, running; and where its report goes."""
    report = os.path.join(system.work, f"{name}.json")
    process = subprocess.Popen(["fio", "--name=b", "--ioengine=nbd", f"--uri={system.uri}", "--bs=4k", f"--size={system.size}", "--time_based", "--thread", "--randrepeat=0",
                                "--norandommap", "--output-format=json", "--output", report, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, report


def writes_in(report):
    with open(report) as f:
        text = f.read()
    return json.loads(text[text.index("{"):])["jobs"][0]["write"]


def adaptive(options, work):
    """4K random writes, QD4; the target stands still in the middle. The longest that one write waits, and the same without a stall."""
    bound_ms = 100
    stall = 1.5 if options.tiny else 5
    source, target = pairs.pair(work, min(options.size, 2**30))
    longest = {"stalled": [], "not": []}
    seen = set()
    try:
        workloads.fill(source)
        source.cli("replica", "create", "g", "--type", "mirror", "--to", "target", "--mode", "adaptive", "--bound", f"{bound_ms}ms", "--name", "m")
        for _ in range(1 if options.tiny else options.rounds):
            for kind in ("not", "stalled"):
                wait_in_step(source)
                process, report = writer(source, kind, "--rw=randwrite", "--iodepth=4", f"--runtime={int(stall + 3)}")
                time.sleep(1.5)
                if kind == "stalled":
                    target.process.send_signal(signal.SIGSTOP)
                    time.sleep(stall / 2)
                    seen.add(source.cli("replica", "show", "m")["mode_in_force"])
                    time.sleep(stall / 2)
                    target.process.send_signal(signal.SIGCONT)
                process.wait(120)
                longest[kind].append(writes_in(report)["clat_ns"]["max"] / 1e6)
    finally:
        target.process.send_signal(signal.SIGCONT)
        source.remove()
        target.remove()
    print(f"\nadaptive, bound {bound_ms} ms, target still for {stall} s: the longest write took {measure.median(longest['stalled']):.0f} ms, at most {max(longest['stalled']):.0f} ms (wanted {bound_ms + 20}); "
          f"without a stall {measure.median(longest['not']):.0f} ms, at most {max(longest['not']):.0f} ms; "
          f"mode in force meanwhile: {', '.join(sorted(map(str, seen)))}")
    return {"longest_ms": longest, "bound_ms": bound_ms, "mode_in_force": sorted(map(str, seen))}


def wait_in_step(source, seconds=60):
    """Synchronous is in force again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = source.cli("replica", "show", "m")
        if now["copy_state"] == "Synchronized" and now["mode_in_force"] == "Synchronous":
            return
        time.sleep(0.1)
    raise RuntimeError(f"relationship m does not come back into step: {now}")


def watch_lag(source, until, samples):
    while not until.is_set():
        _, _, answer = source.timed("GET", f"{source.OEM}/Relationships/m")
        samples.append((time.monotonic(), answer["LagSeconds"], answer["Pacing"]))
        until.wait(0.2)


def pace(options, work):
    """A writer that wants twice what the link is allowed, with pacing: the greatest lag against the RPO, and that the writer is let go afterwards."""
    seconds, rpo, limit = (8, 2, 8 << 20) if options.tiny else (max(60, options.seconds), 5, 32 << 20)
    source, target = pairs.pair(work, min(options.size, 2 * 2**30))
    samples, done = [], threading.Event()
    try:
        workloads.fill(source)
        source.cli("replica", "create", "g", "--type", "mirror", "--to", "target", "--mode", "async", "--rpo", f"{rpo}s", "--action", "pace", "--name", "m")
        source.cli("replica", "set", "m", "--limit", str(limit))      # the first copy is not what is measured
        watcher = threading.Thread(target=watch_lag, args=(source, done, samples))
        watcher.start()
        process, report = writer(source, "pace", "--rw=randwrite", "--bs=64k", "--iodepth=8", f"--rate={2 * limit}", f"--runtime={seconds}")
        process.wait(seconds * 2 + 60)
        done.set()
        watcher.join()
        written = writes_in(report)["io_bytes"]
        begun = time.monotonic()
        while source.cli("replica", "show", "m")["lag_seconds"] or source.cli("replica", "show", "m")["pacing"]:
            if time.monotonic() - begun > rpo * 4 + 30:
                raise RuntimeError("the lag does not go away after the writer has ended")
            time.sleep(0.2)
        caught_up = time.monotonic() - begun
    finally:
        done.set()
        source.remove()
        target.remove()
    most = max(lag for _, lag, _ in samples)
    paced = sum(1 for _, _, pacing in samples if pacing) / len(samples)
    print(f"\npace: writer at twice a limit of {limit >> 20} MiB/s for {seconds} s, RPO {rpo} s: lag at most {most:.2f} s = {most / rpo:.2f} of it (wanted 1.2); paced {paced:.0%} of the time, "
          f"{written / seconds / 2**20:.1f} MiB/s written; in step {caught_up:.1f} s after the end")
    return {"lag_most": most, "rpo": rpo, "ratio": most / rpo, "paced": paced, "written_per_second": written / seconds, "caught_up_seconds": caught_up,
            "lags": [round(lag, 2) for _, lag, _ in samples][:: max(1, len(samples) // 200)], "median_lag": measure.median([lag for _, lag, _ in samples])}


SCENARIOS = {"adaptive": adaptive, "pace": pace}
