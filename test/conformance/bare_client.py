"""A client written from PROTOCOL.md alone, with only Python's standard library.

Reads commands as lines of JSON from standard input, and writes reports as lines of JSON (README.md in this folder).
"""

import base64
import hashlib
import json
import os
import random
import select
import socket
import struct
import sys
import time
from urllib.parse import urlsplit

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
# Section 18: do not reconnect without a change, and reconnect after a longer pause
FINAL = {1000, 1002, 1007, 1008, 1009, 4409}
LATER = {1011, 1013}
FRESH_TOKEN = 4401
# "Reserved names"
RESERVED = {
    "connect",
    "connection",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
}


class Refused(Exception):
    """The response to the upgrade has another status than 101."""

    def __init__(self, status, retry_after):
        super().__init__(status)
        self.status, self.retry_after = status, retry_after


class Connection:
    """One WebSocket connection, RFC 6455."""

    def __init__(self, url, protocols):
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=240)
        self.buffer, self.fragments, self.is_closing = b"", None, False
        key = base64.b64encode(os.urandom(16))
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        self.socket.sendall(
            (
                f"GET {target} HTTP/1.1\r\nHost: {parts.hostname}:{parts.port}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Protocol: {', '.join(protocols)}\r\n\r\n"
            ).encode()
        )
        try:
            self.protocol = self.read_response(key)
        except BaseException:
            self.socket.close()
            raise

    def read_response(self, key):
        while b"\r\n\r\n" not in self.buffer:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("no response")
            self.buffer += chunk
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        if status != 101:
            raise Refused(status, fields.get("retry-after"))
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if fields.get("sec-websocket-accept") != accept:
            raise ConnectionError("wrong Sec-WebSocket-Accept")
        return fields.get("sec-websocket-protocol")

    def send(self, opcode, payload):
        if self.is_closing:
            return
        size, mask = len(payload), os.urandom(4)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        try:
            self.socket.sendall(head + mask + masked)
        except OSError:
            pass  # the next read finds the close

    def close(self, code):
        self.send(CLOSE, struct.pack("!H", code))
        self.is_closing = True

    def receive(self):
        """Reads a chunk. Returns False at the end of the connection."""
        try:
            chunk = self.socket.recv(65536)
        except OSError:
            chunk = b""
        self.buffer += chunk
        return bool(chunk)

    def messages(self):
        """Yields complete messages as (True, text), and the close as (False, code)."""
        while (frame := self.next_frame()) is not None:
            is_last, opcode, payload = frame
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                self.close(struct.unpack("!H", payload[:2])[0] if payload else 1000)
                yield False, struct.unpack("!H", payload[:2])[0] if payload else 1005
                return
            elif opcode != PONG:
                self.fragments = (self.fragments or b"") + payload
                if is_last:
                    text, self.fragments = self.fragments.decode("utf-8"), None
                    yield True, text

    def next_frame(self):
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[:2]
        size, start = second & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(self.buffer) < start:
                return None
            size = struct.unpack("!H" if start == 4 else "!Q", self.buffer[2:start])[0]
        if len(self.buffer) < start + size:
            return None
        payload, self.buffer = self.buffer[start : start + size], self.buffer[start + size :]
        return bool(first & 0x80), first & 0x0F, payload


class Client:
    def __init__(self, report):
        self.report = report
        self.connection = self.url = self.auth = self.due = None
        self.session = self.offset = None
        self.is_open = self.is_leaving = self.may_renew = False
        # when the credentials expire, and when to send fresh ones
        self.end = self.renewal = None
        self.ids = self.failures = 0
        # by id: the key of the command, and whether it is a stream
        self.requests = {}

    # commands

    def do(self, command):
        getattr(self, "do_" + command.pop("do"))(**command)

    def do_connect(self, url, auth=None):
        self.url, self.auth, self.is_leaving = url, auth, False
        self.connect()

    def do_disconnect(self):
        self.session = self.offset = self.due = None
        self.is_leaving = True
        if self.connection is not None:
            self.connection.close(1000)

    def do_emit(self, event, **data):
        self.write({"event": event, **data})

    def do_ask(self, key, event, stream=False, **data):
        self.ids += 1
        self.requests[self.ids] = (key, stream)
        self.write({"event": event, **data, "id": self.ids, **({"stream": True} if stream else {})})

    def do_stream(self, **command):
        self.do_ask(stream=True, **command)

    def do_cancel(self, key):
        for number, (known, _) in self.requests.items():
            if known == key:
                self.write({"event": "$cancel", "data": number})

    # the connection

    def connect(self):
        credentials = dict(self.auth or {})
        if self.session is not None and self.offset is not None:
            credentials.update(session=self.session, offset=self.offset)
        protocols = ["envelope.v1"]
        if credentials:
            text = base64.urlsafe_b64encode(json.dumps(credentials).encode()).decode().rstrip("=")
            protocols.append("envelope.auth." + text)
        self.due = None
        try:
            self.connection = Connection(self.url, protocols)
        except Refused as refused:
            again = refused.status >= 500 or refused.status in (408, 425, 429)
            self.disconnected(1006, again, status=refused.status, at_least=float(refused.retry_after or 0))
        except OSError:
            self.disconnected(1006, True)
        else:
            if self.connection.protocol != "envelope.v1":
                self.opened({})
            # messages may arrive together with the response
            self.read()

    def write(self, message):
        if self.is_open:
            self.connection.send(TEXT, json.dumps(message).encode())

    def disconnected(self, code, again, status=None, at_least=0.0):
        if self.connection is not None:
            self.connection.socket.close()
        self.connection, self.is_open, self.renewal = None, False, None
        for key, _ in self.requests.values():
            if key is not None:
                self.report({"tell": "failed", "key": key})
        self.requests = {}
        if again:
            pause = random.random() * min(2, 0.05 * 2**self.failures)
            self.due = time.monotonic() + at_least + pause + (5 if code in LATER else 0)
            self.failures += 1
        self.report({"tell": "closed", "code": code, "returns": again, **({"status": status} if status else {})})

    def read(self):
        for is_text, what in self.connection.messages():
            if is_text:
                self.handle(json.loads(what))
            else:
                self.closed(what)

    def closed(self, code):
        again = not self.is_leaving and code not in FINAL and (code < 3000 or code == FRESH_TOKEN)
        self.disconnected(code, again)

    def opened(self, session):
        self.is_open, self.failures = True, 0
        self.session = session.get("session")
        self.may_renew = "auth" in session.get("features", [])
        self.expires(session)
        self.report({"tell": "connected", "id": session.get("id"), "recovered": session.get("recovered", False)})

    # "Renewal"

    def expires(self, told):
        self.end = time.monotonic() + told["expiresIn"] / 1000 if "expiresIn" in told else None
        self.plan_renewal()

    def plan_renewal(self):
        left = 0 if self.end is None else self.end - time.monotonic()
        is_possible = self.may_renew and self.auth is not None and left > 0.1
        self.renewal = time.monotonic() + left * random.uniform(0.75, 0.85) if is_possible else None

    def renew(self):
        self.renewal = None
        self.do_ask(None, "$auth", data=self.auth)

    # messages of the server

    def handle(self, frame):
        if isinstance(frame.get("offset"), str):
            self.offset = frame["offset"]
        event, data = frame.get("event"), {"data": frame["data"]} if "data" in frame else {}
        if not self.is_open:
            if event == "$session":
                self.opened(frame["data"])
        elif "ack" in frame:
            self.settle(frame["ack"], event == "exception", frame.get("more") is True, data)
        elif "id" in frame:
            self.answer(frame["id"], event, data)
        elif not event.startswith("$") and event not in RESERVED:
            self.report({"tell": "event", "event": event, **data})

    def settle(self, ack, has_failed, more, data):
        # True is 1 in Python, not in JSON
        if isinstance(ack, bool) or ack not in self.requests:
            return
        key, is_stream = self.requests[ack]
        if not more:
            del self.requests[ack]
        if key is None:
            if has_failed:
                self.plan_renewal()
            else:
                self.expires(data.get("data") or {})
        elif has_failed:
            self.report({"tell": "failed", "key": key, **data})
        elif not is_stream:
            self.report({"tell": "answer", "key": key, **data})
        else:
            if data:
                self.report({"tell": "value", "key": key, **data})
            if not more:
                self.report({"tell": "end", "key": key})

    def answer(self, number, event, data):
        if event == "question":
            self.write({"ack": number, **data})
        else:
            message = "I will not tell" if event == "secret" else "unknown event"
            self.write({"event": "exception", "ack": number, "data": {"status": "error", "message": message}})


def main():
    def write_report(report):
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()

    client, commands = Client(write_report), b""
    while True:
        sources = [0] if client.connection is None else [0, client.connection.socket]
        times = [due for due in (client.due, client.renewal) if due is not None]
        wait = max(0, min(times) - time.monotonic()) if times else None
        ready, _, _ = select.select(sources, [], [], wait)
        # first what is due: on a busy machine, messages may have arrived since then
        if client.renewal is not None and time.monotonic() >= client.renewal:
            client.renew()
        if client.connection is not None and client.connection.socket in ready:
            if client.connection.receive():
                client.read()
            else:
                client.closed(1006)
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, commands = (commands + chunk).split(b"\n")
            for line in lines:
                client.do(json.loads(line))
        if client.due is not None and time.monotonic() >= client.due:
            client.connect()


main()
