"""What the command says when it refuses: the object, the cause, what to do next; sensible exit codes; JSON on request; help with an example on every verb."""
import json
import os
import re
import subprocess

import pytest

import lockstep

REFUSED, USAGE, UNREACHABLE = 1, 2, 3


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Two paired systems: group `db` is a mirror `m`, group `o` has a snapshot replica `sn`; nothing in these tests changes anything that lasts."""
    folder = tmp_path_factory.mktemp("messages", numbered=True)
    a, b = lockstep.System(folder, "a").start(), lockstep.System(folder, "b").start()
    try:
        for one in (a, b):
            one.make_pool()
        lockstep.pair_up(a, b)
        a.make_volumes("data", "wal", "other", "free", size="8M")
        a.cli("group", "create", "db", "p/data", "p/wal")
        a.cli("group", "create", "o", "p/other")
        a.cli("group", "snapshot", "db", "--name", "s1")
        a.cli("replica", "create", "db", "--type", "mirror", "--to", "b", "--name", "m")
        a.cli("replica", "create", "o", "--type", "snapshot", "--name", "sn")
        yield a, b
    finally:
        for one in (a, b):
            if one.process:
                one.process.kill()
                one.process.wait()


def refusal(system, words, code):
    """What is said for people and for programs, which is the same; {message, next_step, …}"""
    got, out, err = system.run(*words)
    assert got == code, (words, got, out, err)
    assert out == "", (words, out)
    got, out, err_json = system.run(*words, "--json")
    assert got == code and out == "", (words, got, out, err_json)
    error = json.loads(err_json)["error"]
    assert error["exit_code"] == code
    assert error["message"] in err and error["next_step"] in err, (err, error)
    assert len(error["message"]) > 10 and len(error["next_step"]) > 10, error
    assert error["next_step"] != "None." and "/redfish/" not in err and "End what uses it" not in err, err
    return error


# ---- names that do not exist: words, what the message must name, the command that lists what there is

OPERATIONS = ["failover", "failback", "reverse", "split", "fracture", "suspend", "resume", "resync", "restore", "activate", "deactivate", "abort", "prepare", "detach", "dissolve", "return"]
PAIR_OPERATIONS = ["add-pair", "remove-pair", "detach-pair"]
UNKNOWN = [
    (["pool", "show", "NOPE"], "no pool 'NOPE'", "pool list"),
    (["pool", "delete", "NOPE"], "no pool 'NOPE'", "pool list"),
    (["volume", "create", "NOPE/x", "--size", "8M"], "no pool 'NOPE'", "pool list"),
    (["volume", "show", "p/NOPE"], "no volume 'p/NOPE'", "volume list"),
    (["volume", "resize", "p/NOPE", "--size", "16M"], "no volume 'p/NOPE'", "volume list"),
    (["volume", "set", "p/NOPE", "--read-only"], "no volume 'p/NOPE'", "volume list"),
    (["volume", "delete", "p/NOPE"], "no volume 'p/NOPE'", "volume list"),
    (["volume", "import", "p/new", "/nowhere/image"], "/nowhere/image", "image that can be read"),
    (["volume", "export", "p/NOPE", "/var/tmp/never-made"], "no volume 'p/NOPE'", "volume list"),
    (["group", "create", "new", "p/NOPE"], "no volume 'p/NOPE'", "volume list"),
    (["group", "add", "NOPE", "p/free"], "no group 'NOPE'", "group list"),
    (["group", "add", "db", "p/NOPE"], "no volume 'p/NOPE'", "volume list"),
    (["group", "remove", "NOPE", "p/free"], "no group 'NOPE'", "group list"),
    (["group", "remove", "db", "p/free"], "volume 'p/free' is not in group 'db'", "group show db"),
    (["group", "show", "NOPE"], "no group 'NOPE'", "group list"),
    (["group", "delete", "NOPE"], "no group 'NOPE'", "group list"),
    (["group", "snapshot", "NOPE", "--name", "x"], "no group 'NOPE'", "group list"),
    (["group", "set", "NOPE", "--rewind-window", "1h"], "no group 'NOPE'", "group list"),
    (["group", "recovery-points", "NOPE"], "no group 'NOPE'", "group list"),
    (["group", "rewind", "NOPE", "--to", "latest"], "no group 'NOPE'", "group list"),
    (["snapshot", "clone", "NOPE", "s1", "--prefix", "c-"], "no group 'NOPE'", "group list"),
    (["snapshot", "clone", "db", "NOPE", "--prefix", "c-"], "group 'db' has no snapshot 'NOPE'", "snapshot list"),
    (["snapshot", "revert", "db", "NOPE", "--keep-as", "k"], "group 'db' has no snapshot 'NOPE'", "snapshot list"),
    (["snapshot", "delete", "NOPE", "s1"], "no group 'NOPE'", "group list"),
    (["snapshot", "delete", "db", "NOPE"], "group 'db' has no snapshot 'NOPE'", "snapshot list"),
    (["peer", "show", "NOPE"], "no peer 'NOPE'", "peer list"),
    (["peer", "remove", "NOPE"], "no peer 'NOPE'", "peer list"),
    (["replica", "create", "NOPE", "--type", "mirror", "--to", "b"], "no group 'NOPE'", "group list"),
    (["replica", "create", "o", "--type", "mirror", "--to", "NOPE"], "no peer system 'NOPE'", "peer list"),
    (["replica", "create", "o", "--type", "mirror", "--to", "b", "--pool", "NOPE"], "system 'b' has no pool 'NOPE'", "peer show b"),
    (["replica", "create", "o", "--type", "clone", "--pool", "NOPE"], "no pool 'NOPE'", "pool list"),
    (["replica", "show", "NOPE"], "no relationship 'NOPE'", "replica list"),
    (["replica", "watch", "NOPE"], "no relationship 'NOPE'", "replica list"),
    (["replica", "set", "NOPE", "--mode", "sync"], "no relationship 'NOPE'", "replica list"),
    (["replica", "verify", "NOPE"], "no relationship 'NOPE'", "replica list"),
    (["replica", "drill", "NOPE", "--as", "d"], "no relationship 'NOPE'", "replica list"),
    *[(["replica", operation, "NOPE"], "no relationship 'NOPE'", "replica list") for operation in OPERATIONS],
    *[(["replica", operation, "NOPE", "--dry-run"], "no relationship 'NOPE'", "replica list") for operation in OPERATIONS],
    *[(["replica", operation, "NOPE", "p/data"], "no relationship 'NOPE'", "replica list") for operation in PAIR_OPERATIONS],
    *[(["replica", operation, "m", "p/NOPE"], "p/NOPE", "") for operation in PAIR_OPERATIONS],
    *[(["replica", operation, "NOPE"], "no relationship 'NOPE'", "replica list") for operation in ("activate-consistency", "deactivate-consistency")],
    (["token", "create", "NOPE"], "no group 'NOPE'", "group list"),
    (["token", "revoke", "NOPE"], "no token 'NOPE'", "token list"),
    (["job", "show", "NOPE"], "no job 'NOPE'", "job list"),
    (["job", "wait", "NOPE"], "no job 'NOPE'", "job list"),
    (["job", "cancel", "NOPE"], "no job 'NOPE'", "job list"),
    (["user", "set", "NOPE", "--disable"], "no account 'NOPE'", "user list"),
    (["user", "remove", "NOPE"], "no account 'NOPE'", "user list"),
    (["config", "check", "/nowhere/file.toml"], "/nowhere/file.toml", "Correct the file"),
]


@pytest.mark.parametrize("words, names, next_step", UNKNOWN, ids=[" ".join(row[0]) for row in UNKNOWN])
def test_a_name_that_does_not_exist_is_named_with_where_to_look(systems, words, names, next_step):
    error = refusal(systems[0], words, REFUSED)
    assert names in error["message"], error
    assert next_step in error["next_step"], error


# ---- not in this state: words, what the message must say, what the next step must say

WRONG_STATE = [
    (["pool", "create", "p"], "pool 'p'", "another name"),
    (["pool", "delete", "p"], "pool 'p' holds", "volumes first"),
    (["pool", "create", "q", "--path", "relative"], "'relative'", "whole path"),
    (["volume", "create", "p/data", "--size", "8M"], "volume 'p/data'", "another name"),
    (["volume", "create", "x", "--size", "8M"], "'x' names no pool", "POOL/NAME"),
    (["volume", "resize", "p/data", "--size", "16M"], "relationship 'm'", "replica detach"),
    (["volume", "resize", "p/free", "--size", "1M"], "volume 'free'", "smaller volume"),
    (["volume", "delete", "p/data"], "group 'db'", "out of the group"),
    (["group", "create", "db", "p/free"], "group 'db'", "another name"),
    (["group", "create", "new", "p/data"], "group 'db'", "other one first"),
    (["group", "remove", "db", "p/wal"], "relationship 'm'", "replica detach"),
    (["group", "delete", "db"], "relationship 'm'", "replica detach"),
    (["group", "snapshot", "db", "--name", "s1"], "snapshot 's1'", "another name"),
    (["group", "rewind", "db", "--to", "latest"], "group 'db' keeps no history", "--rewind-window"),
    (["group", "rewind", "db", "--to", "yesterday"], "'yesterday'", "10m ago"),
    (["snapshot", "revert", "db", "s1", "--keep-as", "k"], "relationship 'm'", "replica detach"),
    (["peer", "join", "garbage"], "Token", "peer invite"),
    (["peer", "remove", "b"], "system 'b' takes part in relationships", "replica list"),
    (["replica", "create", "db", "--type", "mirror", "--to", "b", "--name", "m"], "'m'", "another name"),
    (["replica", "failback", "m"], "relationship 'm'", "First Failover, then Failback"),
    (["replica", "restore", "m"], "Synchronized", "then RestoreFromReplica"),
    (["replica", "return", "m"], "not offered for a Mirror", "A Mirror offers"),
    (["replica", "failover", "sn"], "not offered for a Snapshot", "A Snapshot offers"),
    (["replica", "add-pair", "m", "p/free"], "p/free", ""),
    (["replica", "remove-pair", "m", "p/free"], "p/free", ""),
    (["replica", "detach-pair", "m", "p/free"], "p/free", ""),
    (["replica", "abort", "sn"], "relationship 'sn'", "Legal from Synchronized"),
    (["replica", "verify", "sn"], "relationship 'sn' is a Snapshot", "--read"),
    (["replica", "drill", "m", "--as", "d"], "on system 'b'", "there"),
    (["replica", "set", "m", "--mode", "sync", "--rpo", "30s"], "RecoveryPointObjective", "Give 0"),
    (["token", "use", "garbage"], "Token", "token create"),
    (["user", "remove", "admin"], "last enabled administrator", "another administrator"),
]


@pytest.mark.parametrize("words, names, next_step", WRONG_STATE, ids=[" ".join(row[0]) for row in WRONG_STATE])
def test_a_refusal_names_cause_and_way_out(systems, words, names, next_step):
    error = refusal(systems[0], words, REFUSED)
    assert names in error["message"], error
    assert next_step in error["next_step"], error
    assert error["return_code"], error


def test_verifying_at_the_wrong_end_names_the_right_one(systems):
    error = refusal(systems[1], ["replica", "verify", "m"], REFUSED)
    assert "system 'a'" in error["message"] and "replica verify m" in error["next_step"], error
    error = refusal(systems[1], ["replica", "drill", "m", "--as", "nosuch", "--end"], REFUSED)
    assert "nosuch" in error["message"], error


# What each state that stops the flow says to who verifies, and whether the way out works.
@pytest.mark.parametrize("stop, leads_on", [("suspend", "Resume"), ("split", "ResyncReplica"), ("fracture", "ResyncReplica"), ("deactivate", "Activate")])
def test_a_stopped_relationship_says_how_to_go_on(systems, stop, leads_on):
    a, _ = systems
    a.cli("replica", stop, "m")
    try:
        error = refusal(a, ["replica", "verify", "m"], REFUSED)
        assert leads_on in error["next_step"], error
    finally:
        a.cli("replica", {"Resume": "resume", "ResyncReplica": "resync", "Activate": "activate"}[leads_on], "m")
        a.wait_state("m", "Synchronized")


# ---- usage

MISSING = [
    (["nonsense"], "'nonsense'", "replica"),
    (["replica"], "`lockstep replica`", "failover"),
    (["replica", "nonsense"], "'nonsense'", "failover"),
    (["pool", "create"], "name", "pool create --help"),
    (["pool", "create", "q", "--rbd", "x"], "--rbd", "--path"),
    (["volume", "create", "p/new"], "--size", "volume create --help"),
    (["volume", "create", "p/new", "--size", "much"], "'much'", "512M"),
    (["volume", "set", "p/data"], "volume set", "--read-only"),
    (["volume", "export", "p/data"], "file", "volume export --help"),
    (["group", "create", "new"], "volumes", "group create --help"),
    (["group", "snapshot", "db"], "--name", "group snapshot --help"),
    (["group", "set", "db"], "group set", "--rewind-window"),
    (["group", "rewind", "db"], "--to", "group rewind --help"),
    (["snapshot", "clone", "db", "s1"], "--prefix", "snapshot clone --help"),
    (["snapshot", "revert", "db", "s1"], "--keep-as", "snapshot revert --help"),
    (["snapshot", "delete", "db"], "name", "snapshot delete --help"),
    (["peer", "join"], "token", "peer join --help"),
    (["peer", "invite", "--valid", "soon"], "'soon'", "5m"),
    (["replica", "create", "db"], "--type", "replica create --help"),
    (["replica", "create", "o", "--type", "mirror", "--compress", "maybe"], "'maybe'", "on or off"),
    (["replica", "set", "m"], "replica set", "--rpo"),
    (["replica", "drill", "m"], "--as", "replica drill --help"),
    (["replica", "show", "m", "--nonsense"], "--nonsense", "replica show --help"),
    *[(["replica", operation], "name", f"replica {operation} --help") for operation in OPERATIONS],
    *[(["replica", operation, "m"], "volume", f"replica {operation} --help") for operation in PAIR_OPERATIONS],
    (["token", "create"], "group", "token create --help"),
    (["token", "use", "garbage", "--mode", "sometimes"], "'sometimes'", "async"),
    (["job", "show"], "id", "job show --help"),
    (["event", "list", "--after", "x"], "--after", "event list --help"),
    (["user", "add", "x"], "--role", "user add --help"),
    (["user", "add", "x", "--role", "King"], "King", "user add --help"),
    (["user", "set", "admin"], "user set", "--role"),
    (["config", "check"], "file", "config check --help"),
]


@pytest.mark.parametrize("words, names, next_step", MISSING, ids=[" ".join(row[0]) for row in MISSING])
def test_what_is_missing_or_misspelt_is_named(systems, words, names, next_step):
    error = refusal(systems[0], words, USAGE)
    assert names in error["message"], error
    assert next_step in error["next_step"], error


def test_nobody_there_is_an_exit_code_of_its_own(tmp_path):
    for words in (["pool", "list"], ["replica", "failover", "m"], ["status"]):
        done = subprocess.run([lockstep.LOCKSTEP, "--socket", str(tmp_path / "control.sock"), *words, "--json"], capture_output=True, text=True)
        assert done.returncode == UNREACHABLE and done.stdout == "", done
        error = json.loads(done.stderr)["error"]
        assert str(tmp_path) in error["message"] and "lockstepd running" in error["next_step"], error


# ---- help

def help_of(*words):
    done = subprocess.run([lockstep.LOCKSTEP, *words, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def verbs_of(*words):
    text = help_of(*words)
    if "Subcommands:" not in text:
        return []
    return re.findall(r"^  ([a-z-]+)", text[text.index("Subcommands:"):].split("\n\n")[0], re.M)


def test_every_verb_has_help_with_an_example_and_answers_as_json():
    nouns = verbs_of()
    assert len(nouns) >= 11, nouns
    seen = []
    for noun in nouns:
        for words in [[noun, verb] for verb in verbs_of(noun)] or [[noun]]:
            text = help_of(*words)
            assert f"Example:\n  lockstep {' '.join(words)}" in text, text
            assert "--json" in text, text
            seen.append(" ".join(words))
    tried = {" ".join(row[0][:2]) for row in UNKNOWN + WRONG_STATE + MISSING}
    only_answers = {"status", "pool list", "volume list", "group list", "snapshot list", "peer list", "replica list", "token list", "job list", "event follow", "user list"}
    assert set(seen) - tried <= only_answers, f"no refusal of these is tried: {set(seen) - tried - only_answers}"
