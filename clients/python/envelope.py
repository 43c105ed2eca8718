"""A client of the envelope protocol, version 1, on asyncio and the library `websockets` (10.4 or later).

It is an example: copy it, and change it. ../README.md says which rule of PROTOCOL.md became which function.

    async def main():
        client = Client("ws://localhost:3000/chat", auth=lambda: {"token": "eyJ…"})
        client.on("said", lambda data: print(data["text"]))
        await client.connect()
        await client.emit("say", {"text": "hello"})
        print(await client.request("sum", [1, 2], timeout=5))
        async for tick in await client.stream("ticks"):
            print(tick)
        await client.close()
"""

import asyncio
import base64
import inspect
import json
import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Optional

import websockets

log = logging.getLogger("envelope")

# Section 18: close codes after which a client comes back at once, and after a longer pause. All others are final.
RECONNECT = {1001, 1006, 1012, 1014, 1015, 4401}
RECONNECT_LATER = {1011, 1013}
# Seconds. Rules 19.3 to 19.5.
BASE, CAP, LATER, STABLE, MAX_RETRY_AFTER = 1, 30, 5, 5, 300
# Seconds to wait for `$session` after the handshake, and for the answer to a close frame.
JOIN_TIMEOUT, CLOSE_TIMEOUT = 20, 2
# Code 1000 would end the session, rule 15.9.
KEEP_SESSION = 4408
MAX_SIZE = 64 * 1024 * 1024
RESERVED = {
    "connect", "connection", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
}  # fmt: skip


class Absent:
    """The value of a `data` that a message does not have. `None` is the value null, which differs (rule 6.1)."""

    def __repr__(self):
        return "ABSENT"


ABSENT = Absent()


class BadMessage(ValueError):
    """The message breaks a rule of section 5. `code` is the exception of section 11 for it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class RequestError(Exception):
    """The server answered with an exception, or a handler refuses a request of the server. `data` as in rule 11.2."""

    def __init__(self, data):
        super().__init__(data.get("message") if isinstance(data, dict) else data)
        self.data = data


class Disconnected(ConnectionError):
    """There is no connection, or it ended before the answer came."""


@dataclass
class End:
    """How a connection, or an attempt to open one, ended."""

    code: int
    status: Optional[int] = None
    retry_after: Optional[float] = None
    will_reconnect: bool = False
    # the exception `refused` of the server, if a check after the upgrade refused the client
    refusal: Any = None


def decode(raw):
    """Reads one message: a text, or bytes with the same text. Returns its fields. Raises BadMessage."""
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadMessage("bad_frame") from None
    if not isinstance(message, dict):
        raise BadMessage("bad_frame")
    fields = {name: _read_id(message[name]) for name in ("id", "ack") if name in message}
    if len(fields) == 2:
        raise BadMessage("bad_id")
    if "event" in message or "ack" not in message:
        event = message.get("event")
        if not isinstance(event, str) or not 1 <= _length(event) <= 256:
            raise BadMessage("bad_event")
        fields["event"] = event
    if not isinstance(message.get("meta", {}), dict):
        raise BadMessage("bad_frame")
    fields.update({name: message[name] for name in ("data", "meta") if name in message})
    # rule 5.4: only exactly true counts
    fields.update({name: True for name in ("stream", "more") if message.get(name) is True})
    if isinstance(message.get("offset"), str):
        fields["offset"] = message["offset"]
    return fields


def _refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def _length(text):
    """Returns the number of UTF-16 code units, rule 5.3."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _read_id(value):
    if isinstance(value, str) and 1 <= _length(value) <= 64:
        return value
    # `True` is an int in Python; 1.0 is the integer 1 in JSON
    is_integer = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    if is_integer and abs(value) < 2**53:
        return int(value)
    raise BadMessage("bad_id")


def may_reconnect(end):
    """Rules 18.4, 19.1 and 19.2."""
    if end.status is not None:
        return end.status in (408, 425, 429) or end.status >= 500
    return end.code in RECONNECT or end.code in RECONNECT_LATER


def reconnect_pause(failures, end, base=BASE, cap=CAP):
    """Returns the seconds until the next attempt, rules 19.3 and 19.4."""
    bound = min(cap, base * 2 ** min(failures, 30))
    minimum = LATER if end.code in RECONNECT_LATER else 0
    if end.retry_after is not None:
        minimum = min(end.retry_after, MAX_RETRY_AFTER)
    return minimum + random.uniform(0, max(bound, minimum / 2))


class Client:
    """A connection to one path that comes back by itself.

    `auth` returns the credentials, a dict, or an awaitable of one. It is called for each attempt and each renewal.
    `base` and `cap`: seconds, rule 19.3.
    """

    def __init__(self, url, auth=None, on_connect=None, on_disconnect=None, base=BASE, cap=CAP):
        self.url, self.auth, self.base, self.cap = url, auth, base, cap
        self.on_connect, self.on_disconnect = on_connect, on_disconnect
        self.id, self.recovered, self.features = None, False, []
        self._handlers, self._on_any = {}, None
        self._ws, self._is_open, self._opened_at = None, False, None
        self._session = self._offset = self._refusal = None
        self._requests, self._ids = {}, 0
        self._running = None
        # tasks that end with their connection, and handlers of events, which do not
        self._tasks, self._handling = set(), set()

    def on(self, event, handler):
        """Sets the handler of an event, a function of the data. What it returns answers a request of the server."""
        self._handlers[event] = handler

    def on_any(self, handler):
        """Sets the handler of all events that have none, a function of name and data."""
        self._on_any = handler

    async def connect(self):
        """Connects, and returns when `$session` has arrived. Raises Disconnected if the client will not come back."""
        self._stop, self._connected = asyncio.Event(), asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run())
        await asyncio.wait({self._running, self._connected}, return_when=asyncio.FIRST_COMPLETED)
        if not self._connected.done():
            raise Disconnected("disconnected")
        self._connected.result()

    async def close(self):
        """Disconnects with 1000, which ends the session on the server."""
        if self._running is None:
            return
        self._session = self._offset = None
        self._stop.set()
        if self._ws is not None:
            await self._ws.close(1000)
        await self._running

    async def emit(self, event, data=ABSENT):
        """Sends an event. Raises Disconnected without a connection."""
        if event.startswith("$") or event in RESERVED:
            raise ValueError(f"{event} is a reserved name")
        await self._send(_with_data({"event": event}, data))

    async def request(self, event, data=ABSENT, timeout=None):
        """Sends a request. Returns its answer, or ABSENT. Raises RequestError, Disconnected or asyncio.TimeoutError."""
        answer = await self._ask(event, data, is_stream=False)
        try:
            return await asyncio.wait_for(answer.first(), timeout)
        except (asyncio.TimeoutError, asyncio.CancelledError):
            await answer.cancel()
            raise

    async def stream(self, event, data=ABSENT):
        """Sends a request for many values, and returns them as an asynchronous iterator, a Stream."""
        return await self._ask(event, data, is_stream=True)

    # the connection

    async def _run(self):
        failures = 0
        while True:
            self._opened_at = None
            end = await self._converse()
            if self._opened_at is not None and time.monotonic() - self._opened_at >= STABLE:
                failures = 0
            end.will_reconnect = not self._stop.is_set() and may_reconnect(end)
            self._ended(end)
            if not end.will_reconnect:
                return
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self._stop.wait(), reconnect_pause(failures, end, self.base, self.cap)
                )
                return
            failures += 1

    async def _converse(self):
        """Opens one connection, and reads it to its end. Returns how it ended."""
        try:
            subprotocols = ["envelope.v1", *_auth_subprotocol(await self._credentials(), self._known_session())]
            self._ws = await websockets.connect(
                self.url, subprotocols=subprotocols, max_size=MAX_SIZE, close_timeout=CLOSE_TIMEOUT
            )
        except websockets.NegotiationError:
            return End(1002)
        except websockets.InvalidHandshake as error:
            # the response of websockets 14 and later; earlier versions have its fields in the error
            response = getattr(error, "response", error)
            retry_after = getattr(response, "headers", {}).get("Retry-After")
            return End(1006, getattr(response, "status_code", None), _read_retry_after(retry_after))
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            return End(1006)
        except Exception:
            log.exception("no credentials")
            return End(1006)
        try:
            if self._stop.is_set():
                await self._ws.close(1000)
            if self._ws.subprotocol is None:
                self._opened({})
            while True:
                raw = await asyncio.wait_for(self._ws.recv(), None if self._is_open else JOIN_TIMEOUT)
                self._receive(raw)
        except websockets.ConnectionClosed as closed:
            return End(closed.rcvd.code if closed.rcvd else 1006, refusal=self._refusal)
        except asyncio.TimeoutError:
            await self._ws.close(KEEP_SESSION)
            return End(1006)

    async def _credentials(self):
        return dict(await _resolve(self.auth()) or {}) if self.auth else {}

    def _known_session(self):
        if self._session is None or self._offset is None:
            return {}
        return {"session": self._session, "offset": self._offset}

    def _opened(self, session):
        self._is_open, self._opened_at = True, time.monotonic()
        self.id, self.recovered = session.get("id"), session.get("recovered") is True
        self._session, self.features = session.get("session"), session.get("features", [])
        if "auth" in self.features and self.auth is not None:
            self._spawn(self._renew(session))
        if not self._connected.done():
            self._connected.set_result(None)
        if self.on_connect:
            self.on_connect(self)

    def _ended(self, end):
        was_open, self._ws, self._is_open, self._refusal = self._is_open, None, False, None
        for task in self._tasks:
            task.cancel()
        requests, self._requests = self._requests, {}
        for answer in requests.values():
            answer.items.put_nowait(Disconnected(f"closed with {end.code}"))
        if not end.will_reconnect and not self._connected.done():
            self._connected.set_exception(Disconnected(f"closed with {end.code}, HTTP status {end.status}", end))
        if self.on_disconnect:
            self.on_disconnect(end, was_open)

    async def _renew(self, told):
        """Section 13: presents fresh credentials after about 80 % of the time that is left, again and again."""
        while isinstance(told, dict) and isinstance(told.get("expiresIn"), (int, float)):
            expires = time.monotonic() + told["expiresIn"] / 1000
            told = None
            while told is None and (left := expires - time.monotonic()) > 0.2:
                await asyncio.sleep(left * random.uniform(0.75, 0.85))
                try:
                    told = await self.request("$auth", await self._credentials())
                except Disconnected:
                    return
                except Exception as error:
                    log.info("the server did not renew the connection: %s", error)

    # messages

    async def _send(self, message):
        if not self._is_open or self._stop.is_set():
            raise Disconnected("not connected")
        text = json.dumps(message, allow_nan=False)
        try:
            await self._ws.send(text)
        except websockets.ConnectionClosed:
            raise Disconnected("the connection has ended") from None

    async def _ask(self, event, data, is_stream):
        self._ids += 1
        answer = self._requests[self._ids] = Stream(self, self._ids, is_stream)
        message = {"event": event, "id": answer.id, **({"stream": True} if is_stream else {})}
        try:
            await self._send(_with_data(message, data))
        except BaseException:
            self._requests.pop(answer.id, None)
            raise
        return answer

    def _receive(self, raw):
        try:
            message = decode(raw)
        except BadMessage:
            return
        self._offset = message.get("offset", self._offset)
        event, data = message.get("event"), message.get("data", ABSENT)
        if not self._is_open:
            if event == "$session":
                self._opened(data if isinstance(data, dict) else {})
            elif event == "exception":
                self._refusal = data
        elif "ack" in message:
            self._settle(message["ack"], event == "exception", "more" in message, data)
        elif event.startswith("$") or event in RESERVED:
            pass
        elif "id" in message:
            self._spawn(self._answer(message["id"], event, data))
        else:
            self._deliver(event, data)

    def _settle(self, ack, is_exception, has_more, data):
        answer = self._requests.get(ack)
        if answer is None:
            return
        if is_exception or not has_more or not answer.is_stream:
            del self._requests[ack]
        answer.items.put_nowait(RequestError(data) if is_exception else (data, has_more))

    def _deliver(self, event, data):
        handler, arguments = self._handlers.get(event), (data,)
        if handler is None:
            handler, arguments = self._on_any, (event, data)
        if handler is None:
            return
        try:
            result = handler(*arguments)
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result)
                self._handling.add(task)
                task.add_done_callback(self._handling.discard)
        except Exception:
            log.exception("the handler of %s failed", event)

    async def _answer(self, request_id, event, data):
        try:
            if event not in self._handlers:
                raise RequestError(f"this client does not handle {event}")
            result = await _resolve(self._handlers[event](data))
            message = _with_data({"ack": request_id}, result)
        except RequestError as error:
            failure = {"status": "error", "message": error.data} if isinstance(error.data, str) else error.data
            message = {"event": "exception", "ack": request_id, "data": failure}
        except Exception:
            log.exception("the handler of %s failed", event)
            failure = {"status": "error", "message": "Internal error"}
            message = {"event": "exception", "ack": request_id, "data": failure}
        with suppress(Disconnected):
            await self._send(message)

    def _spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Stream:
    """The values of one request. Iterate over it, and `cancel()` it to end it early."""

    def __init__(self, client, request_id, is_stream):
        self.id, self.is_stream, self.items = request_id, is_stream, asyncio.Queue()
        self._client, self._has_ended = client, False

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._has_ended:
            data = await self.first()
            if data is not ABSENT:
                return data
        raise StopAsyncIteration

    async def first(self):
        item = await self.items.get()
        self._has_ended = isinstance(item, Exception) or not item[1]
        if isinstance(item, Exception):
            raise item
        return item[0]

    async def cancel(self):
        """Asks the server to end the request. The values that are on their way still arrive."""
        if self.id in self._client._requests and "cancel" in self._client.features:
            with suppress(Disconnected):
                await self._client._send({"event": "$cancel", "data": self.id})


def _with_data(message, data):
    return message if data is ABSENT else {**message, "data": data}


def _auth_subprotocol(credentials, session):
    """Rules 3.6 and 15.3."""
    fields = {**credentials, **session}
    if not fields:
        return []
    return ["envelope.auth." + base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")]


def _read_retry_after(value):
    """Returns the seconds of `Retry-After`: a number, or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None


async def _resolve(value):
    return await value if inspect.isawaitable(value) else value
