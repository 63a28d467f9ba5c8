"""Every parameter rule of CreateReplica that applies here: its code, and a message that names the parameter. Over REST and the CLI."""
import re

import pytest

import lockstep
import rest


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    """Two paired systems for the whole table: nothing in it changes anything."""
    folder = tmp_path_factory.mktemp("parameters", numbered=True)
    a, b = lockstep.System(folder, "a").start(), lockstep.System(folder, "b").start()
    try:
        for one in (a, b):
            one.make_pool()
        lockstep.pair_up(a, b)
        a.make_volumes("data", "wal", "other", size="8M")
        a.cli("group", "create", "db", "p/data", "p/wal")
        a.cli("group", "create", "used", "p/other")
        a.cli("replica", "create", "used", "--type", "mirror", "--to", "b", "--name", "taken")
        yield a, b
    finally:
        for one in (a, b):
            if one.process:
                one.process.kill()
                one.process.wait()


# what is wrong: REST properties over a good request, CLI words over a good command, code, parameter
GOOD = {"Group": "db", "SyncType": "Mirror", "Mode": "Asynchronous", "TargetStorageSystem": "b"}
TABLE = [
    ("the group does not exist", {"Group": "nobody"}, {"group": "nobody"}, 8, "nobody"),
    ("SyncType is missing", {"SyncType": None}, None, 5, "SyncType"),
    ("SyncType is below the range", {"SyncType": 5}, {"--type": "5"}, 5, "SyncType"),
    ("SyncType is above the range", {"SyncType": 10}, {"--type": "10"}, 5, "SyncType"),
    ("SyncType is no word of the model", {"SyncType": "Copy"}, {"--type": "copy"}, 5, "SyncType"),
    ("Mode is below the range", {"Mode": 1}, {"--mode": "1"}, 5, "Mode"),
    ("Mode is above the range", {"Mode": 5}, {"--mode": "5"}, 5, "Mode"),
    ("Mode is no word of the model", {"Mode": "Sometimes"}, {"--mode": "sometimes"}, 5, "Mode"),
    ("the target system is unknown", {"TargetStorageSystem": "nowhere"}, {"--to": "nowhere"}, 8, "TargetStorageSystem"),
    ("the target pool is unknown", {"TargetStoragePool": "nopool"}, {"--pool": "nopool"}, 8, "TargetStoragePool"),
    ("the target group's name is taken there", {"TargetGroup": "used"}, {"--group": "used"}, 5, "TargetGroup"),
    ("RPO with Synchronous", {"Mode": "Synchronous", "RecoveryPointObjective": 30}, {"--mode": "sync", "--rpo": "30s"}, 5, "RecoveryPointObjective"),
    ("RPO above a day", {"RecoveryPointObjective": 86401}, {"--rpo": "86401"}, 5, "RecoveryPointObjective"),
    ("TargetElementSupplier out of range", {"ReplicationSettings": {"TargetElementSupplier": 9}}, {"--element-supplier": "9"}, 5, "TargetElementSupplier"),
    ("the client must supply targets, and did not", {"ReplicationSettings": {"TargetElementSupplier": 5}}, {"--element-supplier": "5"}, 5, "TargetElementSupplier"),
    ("ThinProvisioningPolicy out of range", {"ReplicationSettings": {"ThinProvisioningPolicy": 8}}, {"--thin-policy": "8"}, 5, "ThinProvisioningPolicy"),
    ("thin to full is not offered", {"ReplicationSettings": {"ThinProvisioningPolicy": 3}}, {"--thin-policy": "3"}, 1, "ThinProvisioningPolicy"),
    ("the relationship's name is taken", {"RelationshipName": "taken"}, {"--name": "taken"}, 5, "RelationshipName"),
    ("wrong credentials", {"UserName": "admin", "Password": "wrong"}, None, 40001, None),
]
IDS = [row[0] for row in TABLE]


@pytest.mark.parametrize("what, properties, words, code, parameter", TABLE, ids=IDS)
def test_rest_refuses_with_code_and_parameter(systems, what, properties, words, code, parameter):
    a, _ = systems
    body = {key: value for key, value in {**GOOD, **properties}.items() if value is not None}
    status, _, answer = rest.call(a, "POST", rest.OEM + "/Relationships", body)
    assert status >= 400, answer
    got, named, message = rest.refusal(answer)
    assert got == code, (message, answer)
    if parameter:
        assert parameter in (named or "") + message, (named, message)
    assert len(message) > 10


@pytest.mark.parametrize("what, properties, words, code, parameter", [row for row in TABLE if row[2] is not None], ids=[row[0] for row in TABLE if row[2] is not None])
def test_cli_refuses_with_code_and_parameter(systems, what, properties, words, code, parameter):
    a, _ = systems
    options = {"--type": "mirror", "--mode": "async", "--to": "b", **words}
    group = options.pop("group", "db")
    command = ["replica", "create", group] + [word for pair in options.items() for word in pair]
    exit_code, _, said = a.run(*command)
    assert exit_code == 1, said
    assert re.search(rf"code {code}\b", said), said
    if parameter:
        assert parameter in said, said


def test_nothing_was_made_by_all_these_refusals(systems):
    a, b = systems
    assert [r["name"] for r in a.cli("replica", "list")] == ["taken"]
    assert [g["name"] for g in b.cli("group", "list")] == ["used"]
    assert len(b.cli("volume", "list")) == 1


BAD_REQUESTS = [
    ("no JSON", "{", 400),
    ("a list where an object belongs", "[]", 400),
    ("a property nobody knows", '{"Group": "db", "SyncType": "Mirror", "Colour": "red"}', 400),
    ("a number where a name belongs", '{"Group": 7, "SyncType": "Mirror"}', 400),
    ("deep nesting", "[" * 10000 + "]" * 10000, 400),
]


@pytest.mark.parametrize("what, raw, status", BAD_REQUESTS, ids=[row[0] for row in BAD_REQUESTS])
def test_bad_requests_get_a_clear_error(systems, what, raw, status):
    a, _ = systems
    got, _, answer = rest.call(a, "POST", rest.OEM + "/Relationships", raw=raw)
    assert got == status, answer
    assert answer["error"]["message"]
