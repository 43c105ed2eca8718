"""Lets `npx nestjs-envelope conformance --client` drive the client: docs/conformance.md describes the lines."""

import asyncio
import json
import sys

from envelope import ABSENT, Client, Disconnected, RequestError


def report(tell, **fields):
    values = {name: value for name, value in fields.items() if value is not ABSENT and value is not None}
    if fields.get("data", ABSENT) is None:
        values["data"] = None
    print(json.dumps({"tell": tell, **values}), flush=True)


class Program:
    def __init__(self):
        self.client, self.streams, self.tasks = None, {}, set()

    async def run(self):
        loop, lines = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**24)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            command = json.loads(line)
            await getattr(self, command.pop("do"))(**command)
        if self.client is not None:
            await self.client.close()

    async def connect(self, url, auth=None):
        self.client = Client(
            url,
            auth=None if auth is None else lambda: auth,
            on_connect=lambda client: report("connected", id=client.id, recovered=client.recovered),
            on_disconnect=lambda end, _: report(
                "closed", code=end.code, status=end.status, returns=end.will_reconnect
            ),
            base=0.05,
        )
        self.client.on("question", lambda data: data)
        self.client.on("secret", self.refuse)
        self.client.on_any(lambda event, data: report("event", event=event, data=data))
        self.spawn(self.client.connect())

    def refuse(self, _):
        raise RequestError("I will not tell")

    async def disconnect(self):
        self.spawn(self.client.close())

    async def emit(self, event, data=ABSENT):
        self.spawn(self.client.emit(event, data))

    async def ask(self, key, event, data=ABSENT):
        self.spawn(self.answer(key, event, data))

    async def stream(self, key, event, data=ABSENT):
        self.spawn(self.values(key, event, data))

    async def cancel(self, key):
        await self.streams[key].cancel()

    async def answer(self, key, event, data):
        with Failures(key):
            report("answer", key=key, data=await self.client.request(event, data))

    async def values(self, key, event, data):
        with Failures(key):
            self.streams[key] = await self.client.stream(event, data)
            async for value in self.streams[key]:
                report("value", key=key, data=value)
            report("end", key=key)

    def spawn(self, coroutine):
        async def run():
            try:
                await coroutine
            except Disconnected:
                pass

        task = asyncio.ensure_future(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Failures:
    """Reports what a request raises."""

    def __init__(self, key):
        self.key = key

    def __enter__(self):
        pass

    def __exit__(self, _type, error, _traceback):
        if isinstance(error, RequestError):
            report("failed", key=self.key, data=error.data)
        elif isinstance(error, Disconnected):
            report("failed", key=self.key)
        return isinstance(error, (RequestError, Disconnected))


asyncio.run(Program().run())
