"""Rewind and drill with real data: a table that was dropped is found in the second before; points of a target; what is refused."""
import datetime
import subprocess
import threading
import time

import pytest

import lockstep
import postgres


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def io(uri, *commands, check=True):
    words = [word for command in commands for word in ("-c", command)]
    done = subprocess.run(["qemu-io", "-f", "raw", *words, uri], capture_output=True, text=True, timeout=120)
    if check:
        assert done.returncode == 0 and "failed" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


def holds(system, volume, pattern, at="0", length="1M"):
    return "failed" not in io(system.uri(volume), f"read -P {pattern} {at} {length}", check=False).stdout


class Inserts:
    """Rows committed one after the other, as long as the server runs: (when it was begun, when it was answered) by number."""

    def __init__(self, server):
        server.sql("CREATE TABLE ticks (id int PRIMARY KEY, filler text)")
        self.server, self.times, self.stopping = server, [], False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            begun = now()
            self.server.sql(f"INSERT INTO ticks SELECT {len(self.times)}, repeat(md5('{len(self.times)}'), 200)")
            self.times.append((begun, now()))

    def stop(self):
        self.stopping = True
        self.thread.join(60)
        return self.times


@pytest.mark.skipif(postgres.missing, reason="needs PostgreSQL, FUSE and loop devices")
def test_a_dropped_table_is_found_in_the_second_before(system, folder):
    system.make_volumes("pg", size="1G")
    system.cli("group", "create", "db", "p/pg")
    system.cli("group", "set", "db", "--rewind-window", "1h", "--rewind-bytes", "8G")
    with postgres.mounted(folder, system.uri("p/pg"), "live", fresh=True) as path:
        live = postgres.Server(folder, "live", path)
        live.create()
        with live.running():
            live.sql("CREATE TABLE accounts AS SELECT n AS id, md5(n::text) AS owner FROM generate_series(1, 20000) n")
            live.sql("UPDATE accounts SET owner = 'changed' WHERE id % 7 = 0")
            expected = live.sql("SELECT count(*), sum(hashtext(id || owner)) FROM accounts")
            load = Inserts(live)
            time.sleep(1)
            before = now()
            time.sleep(1)
            live.sql("DROP TABLE accounts")
            live.sql("CREATE TABLE noise AS SELECT n FROM generate_series(1, 50000) n")
            live.sql("CHECKPOINT")

            plan = system.cli("group", "rewind", "db", "--to", before, "--name", "back", "--dry-run")
            assert plan["replay_bytes"] > 0 and plan["volumes"] == ["back-pg"]
            made_at = now()
            made = system.cli("group", "rewind", "db", "--to", before, "--name", "back")
            assert made["volumes"] == ["back-pg"] and made["role"] == "Source"
            with postgres.mounted(folder, system.uri("p/back-pg"), "back") as old:
                server = postgres.Server(folder, "back", old)
                with server.running():
                    assert server.sql("SELECT count(*), sum(hashtext(id || owner)) FROM accounts") == expected
                    there = int(server.sql("SELECT coalesce(max(id), -1) FROM ticks"))
                    assert int(server.sql("SELECT count(*) FROM ticks")) == there + 1
                    server.sql("INSERT INTO accounts VALUES (0, 'it may be written')")
            # All that was answered before that second is there, and nothing that was begun after it.
            ticks = load.stop()
            assert there >= max((number for number, (_, answered) in enumerate(ticks) if answered < before), default=-1)
            assert there <= max((number for number, (begun, _) in enumerate(ticks) if begun <= before), default=-1)
            assert ticks[-1][1] > made_at, "the group stood still while it was rewound"
            # The group itself went on.
            assert live.sql("SELECT to_regclass('accounts') IS NULL") == "t"
            assert live.sql("SELECT count(*) FROM noise") == "50000"


def test_points_are_listed_and_survive_kill_and_restart(system):
    system.make_volumes("data", "wal", size="64M")
    system.cli("group", "create", "db", "p/data", "p/wal")
    system.cli("group", "set", "db", "--rewind-window", "2h")
    marks = []
    for pattern in range(1, 6):
        io(system.uri("p/data"), f"write -P {pattern} 0 1M", f"write -P {pattern} 4096 8k", "flush")
        io(system.uri("p/wal"), f"write -P {pattern} 1M 64k", "flush")
        time.sleep(0.2)
        marks.append((now(), pattern))
        time.sleep(0.2)
    points = system.cli("group", "recovery-points", "db")
    assert points["rewind_window_seconds"] == 7200 and points["range"]["from"] < marks[0][0] < points["range"]["to"]
    assert points["held_bytes"] > 4 << 20 and points["points"][0]["held"]
    system.kill()
    system.start()
    for i, (when, pattern) in enumerate(marks[:3]):
        system.cli("group", "rewind", "db", "--to", when, "--name", f"b{i}")
        assert holds(system, f"p/b{i}-data", pattern) and holds(system, f"p/b{i}-wal", pattern, "1M", "64k")
    assert holds(system, "p/data", 5)
    made = system.cli("group", "rewind", "db", "--to", "latest")
    assert len(made["volumes"]) == 2 and made["name"].startswith("db-")
    assert system.cli("group", "rewind", "db", "--to", system.cli("group", "recovery-points", "db")["points"][0]["position"], "--name", "first")
    assert not holds(system, "p/first-data", 1)
    system.cli("group", "set", "db", "--rewind-window", "0")
    assert system.cli("group", "recovery-points", "db")["range"] is None


REFUSED = [("1h ago", "outside"), ("2030-01-01T00:00:00Z", "outside"), ("yesterday", "10m ago"), ("@ffffffff:1", "no stretch of history")]


def test_points_outside_of_the_window_are_refused_and_the_window_named(system):
    system.make_volumes("data", size="16M")
    system.cli("group", "create", "db", "p/data")
    with pytest.raises(lockstep.Refused) as refused:
        system.cli("group", "rewind", "db", "--to", "1m ago")
    assert refused.value.code == 1 and "keeps no history" in refused.value.text
    system.cli("group", "set", "db", "--rewind-window", "10m")
    for to, said in REFUSED:
        with pytest.raises(lockstep.Refused) as refused:
            system.cli("group", "rewind", "db", "--to", to, "--name", "x")
        assert refused.value.code == 1 and said in refused.value.text, refused.value.text
    assert [g["name"] for g in system.cli("group", "list")] == ["db"]


def test_a_target_goes_back_to_what_its_source_was(pair):
    a, b = pair
    a.make_volumes("data", size="64M")
    a.cli("group", "create", "db", "p/data")
    a.cli("replica", "create", "db", "--type", "mirror", "--to", "b", "--mode", "sync", "--name", "r")
    b.cli("group", "set", "db", "--rewind-window", "1h")
    marks = []
    for pattern in (1, 2, 3):
        io(a.uri("p/data"), f"write -P {pattern} 0 2M", "flush")
        time.sleep(0.2)
        marks.append((now(), pattern))
        time.sleep(0.2)
    b.cli("group", "rewind", "db", "--to", marks[1][0], "--name", "back")
    assert holds(b, "p/back-data", 2, length="2M")
    assert holds(a, "p/data", 3, length="2M")
    assert a.replica("r")["copy_state"] == "Synchronized"


def test_a_drill_opens_checks_and_is_thrown_away(pair):
    a, b = pair
    a.make_volumes("data", "wal", size="64M")
    a.cli("group", "create", "db", "p/data", "p/wal")
    a.cli("replica", "create", "db", "--type", "mirror", "--to", "b", "--mode", "sync", "--name", "r")
    io(a.uri("p/data"), "write -P 5 0 4M", "flush")
    found = b.cli("replica", "drill", "r", "--as", "test")
    assert found["group"] == "p/test" and found["good"] and not found["read"]
    assert 0 < found["open_seconds"] < 2 and found["recovery_point_seconds"] < 2
    assert [v["name"] for v in found["volumes"]] == ["p/test-data", "p/test-wal"]
    assert found["volumes"][0]["data_bytes"] == 4 << 20 and found["volumes"][1]["data_bytes"] == 0
    assert holds(b, "p/test-data", 5, length="4M")
    io(b.uri("p/test-data"), "write -P 6 0 4M", "flush")      # whatever is done to it ...
    again = b.cli("replica", "drill", "r", "--as", "again", "--read")
    assert again["read"] and again["good"]
    assert again["volumes"][0]["checksum"] == found["volumes"][0]["checksum"]   # ... the target does not know of
    for name in ("test", "again"):
        b.cli("replica", "drill", "r", "--as", name, "--end")
    assert [v["name"] for v in b.cli("volume", "list")] == ["p/data", "p/wal"]
    assert a.replica("r")["copy_state"] == "Synchronized" and holds(b, "p/data", 5, length="4M")
