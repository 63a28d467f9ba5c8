"""What arrives at the CIM server is malformed, huge, mean, or a hundred at once."""
import base64
import gzip
import socket
import ssl
import threading
import time

import pytest

import cim
from cim import SM, Cim, cim_error, message, of_class, of_text


@pytest.fixture
def server(make_system):
    return Cim(make_system)


def headers_for(operation, name_space=SM):
    return {"CIMMethod": operation, "CIMObject": name_space}


GOOD = message("EnumerateInstanceNames", of_class("ClassName", "MSFT_SMSystem"))
DEEP = "<CIM>" * 100000
BOMB = '<?xml version="1.0"?><!DOCTYPE CIM [<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY {b} "{"&" + a + ";"*1}{("&" + a + ";") * 9}">' for a, b in zip("abcdefgh", "bcdefghi")) + ']><CIM CIMVERSION="2.0" DTDVERSION="2.0">&i;</CIM>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE CIM [<!ENTITY x SYSTEM "file:///etc/passwd">]><CIM CIMVERSION="2.0" DTDVERSION="2.0">&x;</CIM>'

MALFORMED = [
    ("empty", "", {}, 400, "request-not-well-formed"),
    ("text", "hello", {}, 400, "request-not-well-formed"),
    ("cut off", GOOD[:-20], {}, 400, "request-not-well-formed"),
    ("entity bomb", BOMB, {}, 400, "request-not-well-formed"),
    ("external entity", EXTERNAL, {}, 400, "request-not-well-formed"),
    ("nested deep", DEEP, {}, 400, "request-not-well-formed"),
    ("no UTF-8", b"\xff\xfe<\x00", {}, 400, "request-not-well-formed"),
    ("other root", "<HTML/>", {}, 400, "request-not-valid"),
    ("no message", '<CIM CIMVERSION="2.0" DTDVERSION="2.0"/>', {}, 400, "request-not-valid"),
    ("other CIM", GOOD.replace('CIMVERSION="2.0"', 'CIMVERSION="9.0"'), {}, 501, "unsupported-cim-version"),
    ("other DTD", GOOD.replace('DTDVERSION="2.0"', 'DTDVERSION="9.0"'), {}, 501, "unsupported-dtd-version"),
    ("other protocol", GOOD.replace('PROTOCOLVERSION="1.0"', 'PROTOCOLVERSION="9.0"'), {}, 501, "unsupported-protocol-version"),
    ("no call", cim.ENVELOPE % "", {}, 400, "request-not-loosely-valid"),
    ("no CIMOperation", GOOD, {"CIMOperation": None}, 400, "unsupported-operation"),
    ("other CIMOperation", GOOD, {"CIMOperation": "Nonsense"}, 400, "unsupported-operation"),
    ("no CIMMethod", GOOD, {"CIMMethod": None}, 400, "header-mismatch"),
    ("other CIMMethod", GOOD, {"CIMMethod": "GetInstance"}, 400, "header-mismatch"),
    ("other CIMObject", GOOD, {"CIMObject": "root/cimv2"}, 400, "header-mismatch"),
]


def test_malformed_requests_get_the_error_of_the_standard(server):
    for name, body, headers, status, said in MALFORMED:
        got, answered, text = server.post(body, {**headers_for("EnumerateInstanceNames"), **headers})
        assert (got, answered.get("CIMError")) == (status, said), f"{name}: {text}"
    assert "MSFT_SMSystem" in server.ask("EnumerateInstanceNames", of_class("ClassName", "MSFT_SMSystem"))


WRONG = [
    ("GetInstance", "", SM, 4),
    ("GetInstance", cim.of_path("InstanceName", "MSFT_SMSystem", "none"), SM, 6),
    ("GetInstance", cim.of_path("InstanceName", "Nothing", "none"), SM, 5),
    ("EnumerateInstances", of_class("ClassName", "Nothing"), SM, 5),
    ("EnumerateInstances", of_class("ClassName", "MSFT_SMSystem"), "root/nowhere", 3),
    ("EnumerateInstances", of_class("ClassName", "MSFT_SMSystem") + of_text("DeepInheritance", "perhaps"), SM, 4),
    ("EnumerateInstances", of_class("ClassName", "MSFT_SMSystem") + of_text("Nonsense", "1"), SM, 4),
    ("OpenEnumerateInstances", of_class("ClassName", "MSFT_SMSystem") + of_text("MaxObjectCount", "9" * 40), SM, 4),
    ("OpenEnumerateInstances", of_class("ClassName", "MSFT_SMSystem") + of_text("OperationTimeout", "-1"), SM, 4),
    ("PullInstancesWithPath", of_text("EnumerationContext", "nonsense") + of_text("MaxObjectCount", "1"), SM, 21),
    ("ExecQuery", of_text("QueryLanguage", "WQL") + of_text("Query", "(" * 3000), SM, 15),
    ("ExecQuery", of_text("QueryLanguage", "SQL92") + of_text("Query", "SELECT 1"), SM, 14),
    ("CreateClass", "", SM, 7),
    ("SetProperty", "", SM, 7),
    ("Nonsense", "", SM, 7),
]


def test_wrong_requests_get_the_number_of_the_standard(server):
    for operation, parameters, name_space, error in WRONG:
        assert cim_error(server.ask(operation, parameters, name_space)) == error, f"{operation} {parameters[:200]}"


def test_credentials_are_asked_for(server):
    for authorization in (None, "Basic " + base64.b64encode(b"admin:wrong").decode(), "Basic ???", "Bearer x"):
        status, headers, _ = server.post(GOOD, {**headers_for("EnumerateInstanceNames"), "Authorization": authorization})
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic realm="), authorization


def test_m_post(server):
    extended = {"CIMOperation": None, "73-CIMOperation": "MethodCall", "73-CIMMethod": "EnumerateInstanceNames", "73-CIMObject": SM}
    assert server.post(GOOD, extended, method="M-POST")[0] == 510
    status, headers, text = server.post(GOOD, {**extended, "Man": "http://www.dmtf.org/cim/mapping/http/v1.0 ; ns=73"}, method="M-POST")
    assert status == 200 and headers["73-CIMOperation"] == "MethodResponse" and "MSFT_SMSystem" in text


def test_chunks_and_gzip(server):
    connection = server.connection(tls=True)
    chunks = (GOOD[i:i + 7].encode() for i in range(0, len(GOOD), 7))
    connection.request("POST", "/anything", chunks, {"Authorization": "Basic " + base64.b64encode(f"admin:{server.password}".encode()).decode(), "CIMOperation": "MethodCall",
                                                     "Content-Type": "text/xml", **headers_for("EnumerateInstanceNames")}, encode_chunked=True)
    assert connection.getresponse().status == 200
    body = message("EnumerateClasses", of_text("DeepInheritance", "true"))
    plain = server.post(body, headers_for("EnumerateClasses"))[2]
    status, headers, packed = server.post(body, {**headers_for("EnumerateClasses"), "Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip" and gzip.decompress(packed).decode() == plain
    assert len(plain) > 100_000 and len(packed) < len(plain) / 4


def test_a_hundred_clients_at_once_beside_those_that_say_nothing(server):
    silent = [socket.create_connection(("localhost", server.https)) for _ in range(20)] + [socket.create_connection(("localhost", server.http)) for _ in range(20)]
    half = server.connection()
    half.connect()
    half.sock.sendall(b"POST /cimom HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<CIM")
    wrong, done = [], []

    def client(tls):
        try:
            connection = server.connection(tls)
            for _ in range(5):
                status, _, text = server.post(GOOD, headers_for("EnumerateInstanceNames"), connection=connection)
                if status != 200 or text.count("<INSTANCENAME") != 1:
                    wrong.append(text)
            done.append(1)
        except (OSError, ssl.SSLError) as fault:
            wrong.append(repr(fault))
    threads = [threading.Thread(target=client, args=(i % 2 == 0,)) for i in range(100)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong and len(done) == 100, wrong[:3]
    print(f"500 requests of 100 clients: {time.monotonic() - began:.1f} s")
    for one in silent:
        one.close()
