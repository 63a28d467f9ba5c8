"""REST over the control socket, as curl would speak it."""
import http.client
import json
import socket


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("lockstep", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(120)
        self.sock.connect(self.path)


def call(system, method, path, body=None, raw=None, headers=None):
    """status, headers, body (JSON when it is)"""
    connection = Connection(system.control)
    data = raw if raw is not None else (json.dumps(body) if body is not None else None)
    connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    try:
        return answer.status, dict(answer.getheaders()), json.loads(text) if text else None
    except json.JSONDecodeError:
        return answer.status, dict(answer.getheaders()), text


def refusal(body):
    """SM return code and parameter of an extended error, with its message."""
    info = body["error"]["@Message.ExtendedInfo"][0]
    own = info["Oem"]["Lockstep"]
    return own["ReturnCode"], own.get("Parameter"), info["Message"]


STORAGE = "/redfish/v1/Storage/Lockstep"
OEM = "/redfish/v1/Oem/Lockstep"
