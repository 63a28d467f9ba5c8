"""Tables for people, JSON for machines."""
import json

import measure


def summarise(results, servers):
    """results[workload][server] = list of runs -> medians, ratios to the best rival, CPU ratio to the cheapest rival."""
    summary = {}
    for workload, by_server in results.items():
        rows = {}
        for server, runs in by_server.items():
            rows[server] = {key: measure.median([run[key] for run in runs]) for key in ("per_second", "mib_per_second", "cpu_us", "p99_ms")}
            rows[server]["runs"] = [round(run["per_second"], 1) for run in runs]
        rivals = {name: row for name, row in rows.items() if name != "lockstep"}
        if "lockstep" in rows and rivals:
            best = max(rivals, key=lambda name: rivals[name]["per_second"])
            cheapest = min(row["cpu_us"] for row in rivals.values())
            rows["lockstep"]["ratio_to_best"] = rows["lockstep"]["per_second"] / rivals[best]["per_second"]
            rows["lockstep"]["best_rival"] = best
            rows["lockstep"]["cpu_ratio_to_best"] = rows["lockstep"]["cpu_us"] / max(rivals[best]["cpu_us"], 0.01)
            rows["lockstep"]["cpu_ratio_to_cheapest"] = rows["lockstep"]["cpu_us"] / max(cheapest, 0.01)
        summary[workload] = rows
    return summary


def table(summary, targets):
    lines = []
    for workload, rows in summary.items():
        lines.append(f"\n{workload}")
        lines.append(f"  {'server':18} {'ops/s':>10} {'MiB/s':>9} {'CPU us/op':>10} {'p99 ms':>8}   runs")
        for name, row in sorted(rows.items(), key=lambda item: -item[1]["per_second"]):
            lines.append(f"  {name:18} {row['per_second']:10.0f} {row['mib_per_second']:9.1f} {row['cpu_us']:10.1f} {row['p99_ms']:8.2f}   {row['runs']}")
        own = rows.get("lockstep", {})
        if "ratio_to_best" in own:
            wanted = targets.get(workload)
            verdict = "" if wanted is None else ("reached" if own["ratio_to_best"] >= wanted else "NOT reached") + f" (wanted {wanted})"
            lines.append(f"  lockstep / {own['best_rival']} = {own['ratio_to_best']:.2f} {verdict}; "
                         f"server CPU {own['cpu_ratio_to_cheapest']:.2f} of the cheapest rival")
    return "\n".join(lines)


def save(path, summary, settings):
    with open(path, "w") as f:
        json.dump({"settings": settings, "summary": summary}, f, indent=1)
