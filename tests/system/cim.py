"""CIM-XML as clients speak it: wbemcli, and raw messages over HTTP."""
import base64
import http.client
import os
import re
import ssl
import subprocess

import lockstep

SM = "root/microsoft/windows/storage/sm"


class Cim:
    """A system's CIM servers, over TLS and without."""

    def __init__(self, make_system, name="a", *arguments):
        self.https, self.http = lockstep.free_port(), lockstep.free_port()
        self.system = make_system(name, "--cim", f"localhost:{self.https}", "--cim-http", f"localhost:{self.http}", *arguments).start()
        with open(os.path.join(self.system.data, "admin-password")) as f:
            self.password = f.read().strip()

    def url(self, rest, tls=False, user="admin", password=None):
        scheme, port = ("https", self.https) if tls else ("http", self.http)
        return f"{scheme}://{user}:{password or self.password}@localhost:{port}/{rest}"

    def wbemcli(self, operation, rest, *more, options=(), tls=False, code=0):
        """Lines of standard output."""
        trust = ["-cacert", os.path.join(self.system.data, "certificate.pem")] if tls else []
        done = subprocess.run(["wbemcli", operation, *trust, *options, self.url(rest, tls), *more], capture_output=True, text=True, timeout=120)
        assert done.returncode == code, f"wbemcli {operation} {rest} {more}: {done.returncode}\n{done.stdout}{done.stderr}"
        return [line for line in (done.stdout + (done.stderr if code else "")).splitlines() if line.strip()]

    def connection(self, tls=False):
        if not tls:
            return http.client.HTTPConnection("localhost", self.http, timeout=60)
        trust = ssl.create_default_context(cafile=os.path.join(self.system.data, "certificate.pem"))
        return http.client.HTTPSConnection("localhost", self.https, timeout=60, context=trust)

    def post(self, body, headers=None, tls=False, method="POST", connection=None, path="/cimom"):
        """status, headers, text"""
        own = connection or self.connection(tls)
        basic = base64.b64encode(f"admin:{self.password}".encode()).decode()
        sent = {"Content-Type": 'application/xml; charset="utf-8"', "Authorization": "Basic " + basic, "CIMOperation": "MethodCall", **(headers or {})}
        own.request(method, path, body.encode() if isinstance(body, str) else body, {k: v for k, v in sent.items() if v is not None})
        answer = own.getresponse()
        text = answer.read()
        if connection is None:
            own.close()
        return answer.status, dict(answer.getheaders()), text.decode(errors="replace") if answer.getheader("Content-Encoding") is None else text

    def ask(self, operation, parameters, name_space=SM, **more):
        """The text of a good answer."""
        status, headers, text = self.post(message(operation, parameters, name_space), {"CIMMethod": operation, "CIMObject": name_space}, **more)
        assert status == 200, f"{status} {headers} {text}"
        return text

    def method(self, cls, object_id, name, parameters, name_space=SM, user=None, key="ObjectId"):
        """return value, answer"""
        body = ENVELOPE % (f'<METHODCALL NAME="{name}"><LOCALINSTANCEPATH>{path_of(name_space)}{instance_name(cls, object_id, key)}</LOCALINSTANCEPATH>{parameters}</METHODCALL>')
        headers = {"CIMMethod": name, "CIMObject": f"{name_space}:{cls}"}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        status, answered, text = self.post(body, headers)
        assert status == 200 and "<ERROR" not in text, f"{status} {answered} {text}"
        return int(re.search(r"<RETURNVALUE[^>]*><VALUE>(\d+)</VALUE>", text).group(1)), text


ENVELOPE = '<?xml version="1.0" encoding="utf-8"?><CIM CIMVERSION="2.0" DTDVERSION="2.0"><MESSAGE ID="1" PROTOCOLVERSION="1.0"><SIMPLEREQ>%s</SIMPLEREQ></MESSAGE></CIM>'


def path_of(name_space):
    return "<LOCALNAMESPACEPATH>" + "".join(f'<NAMESPACE NAME="{part}"/>' for part in name_space.split("/")) + "</LOCALNAMESPACEPATH>"


def message(operation, parameters, name_space=SM):
    return ENVELOPE % f'<IMETHODCALL NAME="{operation}">{path_of(name_space)}{parameters}</IMETHODCALL>'


def of_class(name, cls):
    return f'<IPARAMVALUE NAME="{name}"><CLASSNAME NAME="{cls}"/></IPARAMVALUE>'


def of_text(name, text):
    return f'<IPARAMVALUE NAME="{name}"><VALUE>{text}</VALUE></IPARAMVALUE>'


def instance_name(cls, object_id, key="ObjectId"):
    quoted = object_id.replace("&", "&amp;").replace("<", "&lt;")
    return f'<INSTANCENAME CLASSNAME="{cls}"><KEYBINDING NAME="{key}"><KEYVALUE VALUETYPE="string">{quoted}</KEYVALUE></KEYBINDING></INSTANCENAME>'


def of_path(name, cls, object_id):
    return f'<IPARAMVALUE NAME="{name}">{instance_name(cls, object_id)}</IPARAMVALUE>'


def cim_error(text):
    found = re.search(r'<ERROR CODE="(\d+)"', text)
    return int(found.group(1)) if found else 0


def properties(instance):
    """name -> text of the VALUE, of one INSTANCE"""
    return {m.group(1): m.group(2) for m in re.finditer(r'<PROPERTY NAME="(\w+)"[^>]*><VALUE>([^<]*)</VALUE></PROPERTY>', instance)}


def instances(text):
    return [properties(one) for one in re.findall(r"<INSTANCE CLASSNAME.*?</INSTANCE>", text, re.S)]
