"""The SM model over CIM-XML, driven by wbemcli and by raw messages."""
import os
import re
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import cim
import lockstep
from cim import SM, Cim, instances, of_class, of_path, of_text
from lockstep import wait_until


def object_ids(server, cls, **wanted):
    return [one["ObjectId"].replace("&quot;", '"').replace("&amp;", "&") for one in instances(server.ask("EnumerateInstances", of_class("ClassName", cls))) if all(one.get(k) == v for k, v in wanted.items())]


@pytest.fixture
def server(make_system):
    one = Cim(make_system)
    one.system.make_pool()
    one.system.make_volumes("data", "log", size="16M")
    one.system.cli("group", "create", "db", "p/data", "p/log")
    return one


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_wbemcli_reads_and_navigates(server, tls):
    ask = lambda operation, rest, *more, options=(): server.wbemcli(operation, rest, *more, options=options, tls=tls)
    names = ask("ein", f"{SM}:MSFT_SMStorageVolume")
    assert len(names) == 2, names
    path = names[0].split("/", 1)[1] if "/" in names[0].split(":")[0] else names[0]
    path = path[path.index(SM):]
    assert len(ask("ei", f"{SM}:MSFT_SMStorageObject")) > 4
    assert any("Name=" in line for line in ask("gi", path))
    pools = ask("ain", path, options=("-ac", "MSFT_SMPoolToVolume"))
    assert len(pools) == 1 and "MSFT_SMPool." in pools[0], pools
    assert len(ask("ai", path, options=("-arc", "MSFT_SMPool"))) >= 1
    assert len(ask("rin", path)) >= 2
    assert len(ask("ri", path)) >= 2
    assert any("CreateReplica" in line for line in ask("gcd", f"{SM}:MSFT_SMReplicationGroup")) or ask("gc", f"{SM}:MSFT_SMReplicationGroup")
    assert any("MSFT_SMStorageObject" in line for line in ask("ecn", f"{SM}:"))
    assert ask("ein", "root/interop:CIM_RegisteredProfile")
    assert len(ask("ein", "interop:CIM_ObjectManager")) == 1


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_wbemcli_makes_a_replica_and_fails_over(make_system, tls):
    a, b = Cim(make_system, "a"), Cim(make_system, "b")
    for one in (a, b):
        one.system.make_pool()
    lockstep.pair_up(a.system, b.system)
    a.system.make_volumes("data", size="1G")
    a.system.cli("group", "create", "db", "p/data")
    write = lambda system, pattern: subprocess.run(["qemu-io", "-f", "raw", "-c", f"write -P {pattern} 0 1M", "-c", "flush", system.uri("p/data")], check=True, capture_output=True)
    read = lambda system, pattern: "verification failed" not in subprocess.run(["qemu-io", "-f", "raw", "-c", f"read -P {pattern} 0 1M", system.uri("p/data")], check=True, capture_output=True, text=True).stdout
    subprocess.run(["qemu-io", "-f", "raw", "-c", "write -P 7 0 256M", "-c", "flush", a.system.uri("p/data")], check=True, capture_output=True)   # more than is copied in a moment

    def paths(server, cls, **wanted):
        """As wbemcli writes them, with the host in front; of those whose properties are so."""
        found = server.wbemcli("ein", f"{SM}:{cls}", tls=tls)
        fits = lambda path: all(f'-{k}={v}' in server.wbemcli("gi", path[path.index(SM):], options=("-nl",), tls=tls) for k, v in wanted.items())
        return [path for path in found if fits(path)]

    def call(server, path, method, **parameters):
        """Return value, and the job's path if there is one."""
        given = ",".join(f"{k}={v}" for k, v in parameters.items())
        said = " ".join(server.wbemcli("cm", path[path.index(SM):], f"{method}.{given}", tls=tls))
        job = re.search(r"Job \(reference\): (\S+MSFT_SMJob\.\S+)", said)
        return int(re.search(rf"{method}: (\d+)", said).group(1)), job and job.group(1)

    def completed(server, path):
        try:
            said = server.wbemcli("gi", path[path.index(SM):], options=("-nl",), tls=tls)
        except AssertionError:
            return True   # ended long ago
        state = next(line for line in said if line.startswith("-JobState="))
        assert not state.endswith("=10"), said
        return state.endswith("=7")

    def done(server, answer):
        code, job = answer
        assert code in (0, 4096), answer
        if code == 4096:
            wait_until(lambda: completed(server, job), 180, "the job being Completed")
        return code

    group = paths(a, "MSFT_SMReplicationGroup")[0]
    peer = paths(a, "MSFT_SMReplicaPeer", PeerObjectType=32770, PeerSystemName='"b"')[0]
    assert done(a, call(a, group, "CreateReplica", SyncType=6, Mode=2, RelationshipName="m", TargetStorageSystem=peer)) == 4096
    done(a, call(a, group, "CreateReplica", SyncType=7, Mode=2, RelationshipName="snap"))
    a.system.wait_state("m", "Synchronized", seconds=180)
    write(a.system, 9)

    group_b = paths(b, "MSFT_SMReplicationGroup")[0]
    relation = b.wbemcli("ain", group_b[group_b.index(SM):], options=("-ac", "MSFT_SMReplicationGroupToReplicaPeer"), tls=tls)[0]
    done(b, call(b, group_b, "SetReplicationRelationship", Operation=10, TargetGroup=relation))
    b.system.wait_state("m", "Failedover", seconds=120)
    assert read(b.system, 9)
    write(b.system, 11)
    assert read(b.system, 11)


class Listener(BaseHTTPRequestHandler):
    told = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert self.headers["CIMExport"] == "MethodRequest" and self.headers["CIMExportMethod"] == "ExportIndication"
        Listener.told.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        self.wfile.write(b'<?xml version="1.0"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1" PROTOCOLVERSION="1.0"><SIMPLEEXPRSP><EXPMETHODRESPONSE NAME="ExportIndication"/></SIMPLEEXPRSP></MESSAGE></CIM>')

    def log_message(self, *_):
        pass


def create(server, cls, values):
    """INSTANCENAME of what was made in interop."""
    text = "".join(f'<PROPERTY NAME="{k}" TYPE="string"><VALUE>{v}</VALUE></PROPERTY>' if not v.startswith("<INSTANCENAME") else
                   f'<PROPERTY.REFERENCE NAME="{k}"><VALUE.REFERENCE>{v}</VALUE.REFERENCE></PROPERTY.REFERENCE>' for k, v in values.items())
    answer = server.ask("CreateInstance", f'<IPARAMVALUE NAME="NewInstance"><INSTANCE CLASSNAME="{cls}">{text}</INSTANCE></IPARAMVALUE>', "interop")
    assert not cim.cim_error(answer), answer
    return re.search(r"<IRETURNVALUE>\s*(<INSTANCENAME.*</INSTANCENAME>)\s*</IRETURNVALUE>", answer, re.S).group(1)


@pytest.fixture
def listener(folder):
    """Makes a listener, with TLS or without; returns its server."""
    running = []

    def start(tls):
        Listener.told = []
        server = HTTPServer(("localhost", 0), Listener)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(folder, "listener.pem"), os.path.join(folder, "listener.key"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.path.join(folder, "listener.key"), "-out",
                    os.path.join(folder, "listener.pem"), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"], check=True, capture_output=True)
    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def subscribe(server, url, name="volumes"):
    made = create(server, "CIM_IndicationFilter", {"Name": name, "QueryLanguage": "DMTF:CQL", "Query": "SELECT * FROM CIM_InstCreation WHERE SourceInstance ISA MSFT_SMStorageVolume"})
    handler = create(server, "CIM_ListenerDestinationCIMXML", {"Name": name, "Destination": url})
    create(server, "CIM_IndicationSubscription", {"Filter": made, "Handler": handler})


def news(server, prefix):
    """Until somebody is told of a volume of that name. The server's first look, from which on changes are news, is its own affair: hence several."""
    Listener.told.clear()
    numbers = iter(range(1000))

    def told():
        server.system.make_volumes(f"{prefix}{next(numbers)}", size="4M")
        return Listener.told
    wait_until(told, 60, "an indication")
    assert "CIM_InstCreation" in Listener.told[0] and prefix in Listener.told[0]


def test_indications_reach_a_listener_before_and_after_a_restart(server, listener):
    subscribe(server, f"http://localhost:{listener(tls=False).server_port}/told")
    news(server, "before")
    assert server.system.stop() == 0
    server.system.start()
    assert server.ask("EnumerateInstanceNames", of_class("ClassName", "CIM_IndicationSubscription"), "root/interop").count('<INSTANCENAME CLASSNAME="CIM_IndicationSubscription"') == 1
    news(server, "after")


def test_indications_over_tls_go_to_who_is_vouched_for(make_system, listener, folder):
    server = Cim(make_system, "a", "--cim-listener-ca", os.path.join(folder, "listener.pem"))
    server.system.make_pool()
    subscribe(server, f"https://localhost:{listener(tls=True).server_port}/")
    news(server, "secret")


def test_pulled_enumerations(server):
    server.system.make_volumes(*[f"v{i}" for i in range(20)], size="4M")
    text = server.ask("OpenEnumerateInstancePaths", of_class("ClassName", "MSFT_SMStorageVolume") + of_text("MaxObjectCount", "5"))
    seen = text.count("<INSTANCEPATH>")
    while re.search(r'NAME="EndOfSequence"[^>]*><VALUE>FALSE', text):
        context = re.search(r'NAME="EnumerationContext"[^>]*><VALUE>([^<]*)', text).group(1)
        text = server.ask("PullInstancePaths", of_text("EnumerationContext", context) + of_text("MaxObjectCount", "7"))
        seen += text.count("<INSTANCEPATH>")
    assert seen == 22


def test_a_thousand_volumes_with_all_their_associations(make_system):
    server = Cim(make_system)
    server.system.make_pool()
    server.system.make_volumes(*[f"v{i:04}" for i in range(1000)], size="4M")
    server.ask("EnumerateInstanceNames", of_class("ClassName", "MSFT_SMSystem"))
    began = time.monotonic()
    volumes = server.ask("EnumerateInstances", of_class("ClassName", "MSFT_SMStorageVolume"))
    after_volumes = time.monotonic()
    pool = object_ids(server, "MSFT_SMPool", Primordial="FALSE")[0]
    associations = server.ask("References", of_path("ObjectName", "MSFT_SMPool", pool))
    associated = server.ask("Associators", of_path("ObjectName", "MSFT_SMPool", pool) + of_class("ResultClass", "MSFT_SMStorageVolume"))
    took = time.monotonic() - began
    assert volumes.count("<VALUE.NAMEDINSTANCE>") == 1000
    assert associations.count("<VALUE.OBJECTWITHPATH>") >= 1000
    assert associated.count("<VALUE.OBJECTWITHPATH>") == 1000
    print(f"1,000 volumes: {after_volumes - began:.2f} s, with associations {took:.2f} s, {(len(volumes) + len(associations) + len(associated)) >> 20} MiB")
    assert took < 20
