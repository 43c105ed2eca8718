"""Clients of python3-socketio, which none of this repository wrote.

Reads commands as lines of JSON from standard input, and writes reports as lines of JSON. Each command names one client of this
process. Bytes are {"$bytes": base64} in both directions.
"""

import asyncio
import base64
import json
import os
import sys

import socketio

# Seconds. A broken connection is tried again soon, and the delay does not grow.
RECONNECTION_DELAY = 0.05

# Seconds. It only ends a wait that hangs: see test/support/longest-wait.ts. The defaults of this client are 5 s for a request.
LONGEST_WAIT = 240

clients = {}


def pack(value):
    """Replaces bytes, for JSON."""
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [pack(one) for one in value]
    if isinstance(value, dict):
        return {name: pack(one) for name, one in value.items()}
    return value


def unpack(value):
    """The opposite of `pack`."""
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {name: unpack(one) for name, one in value.items()}
    return value


def report(tell, **fields):
    print(json.dumps({"tell": tell, **pack(fields)}), flush=True)


def create(name, namespaces):
    """Creates a client that reports everything that happens in these namespaces."""
    client = socketio.AsyncClient(
        reconnection_delay=RECONNECTION_DELAY,
        reconnection_delay_max=RECONNECTION_DELAY,
        randomization_factor=0,
        request_timeout=LONGEST_WAIT,
        handle_sigint=False,
    )

    def listen(namespace):
        def tell(what, **fields):
            report(what, client=name, namespace=namespace, **fields)

        def on_connect():
            tell("connect", sid=client.get_sid(namespace), transport=client.transport())

        def on_any(event, *args):
            tell("event", event=event, args=list(args))
            # several values are several arguments of the acknowledgement
            return ("heard", *args) if event == "question" else None

        client.on("connect", on_connect, namespace)
        client.on("connect_error", lambda *args: tell("connect_error", args=list(args)), namespace)
        client.on("disconnect", lambda: tell("disconnect"), namespace)
        client.on("*", on_any, namespace)

    for namespace in namespaces:
        listen(namespace)
    return client


async def run(command):
    """Runs one command. Returns the value to report."""
    name, what = command["client"], command["do"]
    namespace = command.get("namespace", "/")
    if what == "connect":
        clients[name] = create(name, command["namespaces"])
        await clients[name].connect(
            command["url"],
            auth=command.get("auth"),
            headers=command.get("headers", {}),
            transports=command["transports"],
            namespaces=command["namespaces"],
            wait=False,
        )
        return None
    client = clients[name]
    # a tuple is several arguments, a list is one
    args = tuple(unpack(command.get("args", [])))
    if what == "emit":
        return await client.emit(command["event"], args, namespace)
    if what == "call":
        return await client.call(command["event"], args, namespace, timeout=LONGEST_WAIT)
    if what == "transport":
        return client.transport()
    if what == "disconnect":
        return await client.disconnect()
    raise ValueError(what)


async def execute(command):
    try:
        report("done", key=command["key"], value=await run(command))
    except Exception as error:  # the test decides which errors it expects
        report("failed", key=command["key"], value=f"{type(error).__name__}: {error}")


async def main():
    reader = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    report("ready", version=getattr(socketio, "__version__", None))
    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(execute(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    # not `return`: clients that still reconnect would keep the process alive
    os._exit(0)


asyncio.run(main())
