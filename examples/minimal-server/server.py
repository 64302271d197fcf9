#!/usr/bin/env python3
"""A small server of the Turnwire protocol: the standard library alone, one file.

It keeps the levels `core` and `durable`. Everything is in memory; a log file gives back sessions,
messages, runs and completions after a restart. The only model is the offline one, with the tools
`ls` and `write`. It was written from protocol.md alone; "section N" means its sections.
"""
import asyncio
import collections
import datetime
import hashlib
import json
import os
import re
import signal
import sys
import threading
import time
import uuid

MAX_MESSAGE = 4 * 1024 * 1024
MAX_EVENTS, MAX_EVENT_BYTES = 1024, 8 * 1024 * 1024
TRACES = "off", "messages", "verbose"
CODES = {
    "ParseError": -32700, "InvalidRequest": -32600, "MessageTooLarge": -32600,
    "MethodNotFound": -32601, "InvalidParams": -32602, "InternalError": -32603,
    "RequestCancelled": -32800, "WorkspaceNotFound": 1001, "WorkspaceClosing": 1002,
    "AgentNotInitialized": 1003, "EmptyPrompt": 1004, "SessionMissing": 1005,
    "SessionNotFound": 1006, "SessionBusy": 1007, "PathRequired": 1008, "PathNotFound": 1009,
    "RunIdConflict": 1010, "QueueFull": 1011, "ServerShuttingDown": 1014,
    "UnsupportedProtocolVersion": 1015, "AlreadyInitialized": 1016, "MessageNotFound": 1017,
    "RunNotFound": 1018,
}


class Refused(Exception):
    """An error of the protocol (section 8)."""

    def __init__(self, name, message, **data):
        super().__init__(message)
        retryable = name in ("SessionBusy", "QueueFull")
        self.error = {"code": CODES[name], "message": message,
                      "data": {"name": name, "retryable": retryable, **data}}


class Stopped(Exception):
    """The turn was cancelled; `args[0]` is the cause."""


class ModelFailed(Exception):
    """The model answered with an error: its name for programs, and a sentence."""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_id(prefix):
    return f"{prefix}_{uuid.uuid4().hex}"


def units(text):
    """The length in UTF-16 units (section 6)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# Section 1: frames.

class Input:
    """Takes stdin apart. The first byte decides the framing."""

    def __init__(self, on_text, on_bad):
        self.on_text, self.on_bad = on_text, on_bad
        self.framing = None
        self.buffer = bytearray()
        self.skip = None  # what is left of a body that is too large; -1: up to the next newline
        self.kept = b""   # the beginning of what is skipped, which has its id

    def feed(self, data):
        self.buffer += data
        if self.framing is None and self.buffer:
            self.framing = "ndjson" if self.buffer[:1] in (b"{", b"[") else "header"
        while self.line() if self.framing == "ndjson" else self.body():
            pass

    def line(self):
        end = self.buffer.find(b"\n")
        if end == -1:
            if len(self.buffer) > MAX_MESSAGE:
                self.kept = self.kept or bytes(self.buffer[:65536])
                self.skip = -1
                self.buffer.clear()
            return False
        text = bytes(self.buffer[:end])
        del self.buffer[:end + 1]
        if self.skip is not None or len(text) > MAX_MESSAGE:
            self.too_large(self.kept or text[:65536])
        elif text.strip():
            self.on_text(text)
        return True

    def body(self):
        if self.skip is not None:
            taken = min(self.skip, len(self.buffer))
            self.kept = (self.kept + bytes(self.buffer[:taken]))[:65536]
            del self.buffer[:taken]
            self.skip -= taken
            if self.skip > 0:
                return False
            self.too_large(self.kept)
        end = self.buffer.find(b"\r\n\r\n")
        if end == -1:
            return False
        found = re.search(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$",
                          bytes(self.buffer[:end]), re.I | re.M)
        if found is None:
            del self.buffer[:end + 4]
            self.on_bad(None, Refused("ParseError", "A header block has no usable Content-Length."))
            return True
        length = int(found[1])
        if length > MAX_MESSAGE:
            del self.buffer[:end + 4]
            self.skip = length
            return True
        if len(self.buffer) < end + 4 + length:
            return False
        text = bytes(self.buffer[end + 4:end + 4 + length])
        del self.buffer[:end + 4 + length]
        self.on_text(text)
        return True

    def too_large(self, beginning):
        self.skip, self.kept = None, b""
        self.on_bad(id_in(beginning.decode("utf-8", "replace")),
                    Refused("MessageTooLarge", f"A message has more than {MAX_MESSAGE} bytes."))


def id_in(beginning):
    """The id of a request of which there is only the beginning; None where it is not in there."""
    decoder, members, at = json.JSONDecoder(), {}, 1
    try:
        while beginning[:1] == "{" and not {"id", "method"} <= members.keys():
            name, at = decoder.raw_decode(beginning, re.compile(r"[\s,]*").match(beginning, at).end())
            at = re.compile(r"\s*:\s*").match(beginning, at).end()
            members[name], at = decoder.raw_decode(beginning, at)
    except (ValueError, AttributeError, TypeError):
        pass
    return members.get("id") if "method" in members else None


class Output(threading.Thread):
    """Writes frames in a thread of its own, so that a client that does not read holds up nothing.
    Events that pile up are dropped, the oldest first, and counted (section 6)."""

    def __init__(self, on_closed):
        super().__init__(daemon=True)
        self.on_closed = on_closed
        self.header = False
        self.queue, self.events = collections.deque(), collections.deque()
        self.bytes = self.dropped = 0
        self.is_ending = False
        self.changed = threading.Condition()

    def push(self, message, may_drop=False):
        entry = [json.dumps(message, ensure_ascii=False).encode("utf-8", "replace"), may_drop]
        with self.changed:
            self.queue.append(entry)
            if may_drop:
                self.events.append(entry)
                self.bytes += len(entry[0])
                while len(self.events) > MAX_EVENTS or self.bytes > MAX_EVENT_BYTES:
                    oldest = self.events.popleft()
                    self.bytes -= len(oldest[0])
                    oldest[0] = None
                    self.dropped += 1
            self.changed.notify()

    def run(self):
        try:
            while True:
                with self.changed:
                    while not self.queue and not self.is_ending:
                        self.changed.wait()
                    if not self.queue:
                        return
                    data, may_drop = self.queue.popleft()
                    if data is not None and may_drop:
                        self.events.popleft()
                        self.bytes -= len(data)
                    dropped, self.dropped = self.dropped, 0
                if dropped:
                    self.write(json.dumps({"jsonrpc": "2.0", "method": "eventsDropped",
                                           "params": {"count": dropped}}).encode())
                if data is not None:
                    self.write(data)
        except OSError:
            self.on_closed()

    def write(self, data):
        data = b"Content-Length: %d\r\n\r\n%s" % (len(data), data) if self.header else data + b"\n"
        while data:
            data = data[os.write(1, data):]

    def finish(self):
        """Waits a moment until all is written."""
        with self.changed:
            self.is_ending = True
            self.changed.notify()
        self.join(4)


# What is kept.

class Log:
    """One JSON object a line; what is promised is on disk before it is told."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, "a+b")

    def records(self):
        self.file.seek(0)
        for line in self.file.read().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                pass  # the last line of a server that was killed

    def add(self, kind, durable=False, **record):
        self.file.write(json.dumps({"kind": kind, **record}).encode() + b"\n")
        self.file.flush()
        if durable:
            os.fsync(self.file.fileno())


class Session:
    def __init__(self, record):
        self.id, self.workspace_id, self.created = record["id"], record["workspace"], record["at"]
        self.title = record.get("title", "")
        self.updated = self.created
        self.messages, self.queue, self.allowed = [], [], set()
        self.turn, self.paused = None, False

    def wire(self):
        return {"id": self.id, "workspaceId": self.workspace_id, "title": self.title,
                "messageCount": len(self.messages), "promptTokens": 0, "completionTokens": 0,
                "cost": 0, "isBusy": self.turn is not None, "queuedPrompts": len(self.queue),
                "queuePaused": self.paused, "createdAt": self.created, "updatedAt": self.updated}


class Run:
    def __init__(self, record):
        self.workspace_id, self.session_id = record["workspace"], record["session"]
        self.id, self.hash, self.client = record.get("runId"), record["hash"], record["client"]
        self.key, self.prompt, self.joins = record["key"], record.get("prompt", ""), record["joins"]
        self.state, self.completion, self.steps = "accepted", None, 0
        self.folded, self.stop, self.done = [], None, asyncio.Event()
        self.turn = None  # the run whose turn this one has joined


class Workspace:
    def __init__(self, path, mode, trusted):
        self.id = "ws_" + hashlib.sha256(path.encode()).hexdigest()[:16]
        self.path, self.mode, self.trusted = path, mode, trusted
        self.ready = self.closing = False
        self.created = now()


MODEL = {"id": "offline", "provider": "offline", "name": "Offline model", "canReason": False,
         "supportsImages": False}


def joined_to(turn):
    """What the completion of a joined run tells of the turn's own, which was written before it."""
    return {"completionId": turn.completion, **({} if turn.id is None else {"runId": turn.id})}


class Server:
    def __init__(self, log):
        self.log = log
        self.output = Output(lambda: self.loop.call_soon_threadsafe(self.end, "disconnect", 0))
        self.loop = asyncio.get_running_loop()
        self.ended = self.loop.create_future()
        self.workspaces, self.sessions, self.runs, self.completions = {}, {}, {}, {}
        self.by_id = {}  # (workspace, runId) to its run
        self.client, self.initialized, self.can_answer = str(uuid.uuid4()), False, True
        self.unwanted, self.ack_ms, self.shutting_down, self.ending = set(), None, False, False
        self.traced, self.trace_asked, self.asked = "off", None, {}
        self.requests, self.questions, self.question_count = {}, {}, 0
        self.turns, self.batches = set(), set()
        self.restore()

    def restore(self):
        for record in self.log.records():
            kind = record.pop("kind")
            if kind == "session":
                self.sessions[record["id"]] = Session(record)
            elif kind == "message" and record["session"] in self.sessions:
                self.sessions[record["session"]].messages.append(record["message"])
            elif kind == "run":
                run = self.runs[record["key"]] = Run(record)
                if run.id is not None:
                    self.by_id[run.workspace_id, run.id] = run
            elif kind == "adopted":
                self.runs[record["key"]].client = record["client"]
            elif kind == "done":
                self.keep(self.runs[record["key"]], record["completion"], record["sequence"])
            elif kind == "begun":
                self.runs[record["key"]].state = "running"
            elif kind == "joined":
                self.runs[record["key"]].turn = self.runs[record["turn"]]
            elif kind == "ended":
                self.runs[record["key"]].state = "completed"
            elif kind == "sent":
                self.completions[record["id"]]["attempt"] = record["attempt"]
            elif kind == "acknowledged":
                for each in record["ids"]:
                    self.completions[each]["acknowledged"] = True
        # Section 9: what a dead server left is interrupted, in the order of its queue. What had no
        # runId and did not begin leaves nothing.
        for run in self.runs.values():
            if run.state != "completed" and (run.id is not None or run.state == "running"):
                more = {} if run.turn is None else {"joined": joined_to(run.turn), "steps": 0}
                self.complete(run, "interrupted", cause="crash", errorName="Interrupted",
                              error="The server died before the turn had ended.", **more)

    # Messages to the client.

    def send(self, message, may_drop=False):
        self.output.push(message, may_drop)
        for each in message if isinstance(message, list) else [message]:
            self.trace("Sending", each)

    def trace(self, doing, message):
        """Tells of a message (section 2), but not of those that tell."""
        method, request_id = message.get("method"), json.dumps(message.get("id"))[:100]
        if self.traced == "off" or method == "$/logTrace":
            return
        kind = "notification" if "id" not in message else "request" if method else "response"
        took = ""
        if kind == "request":
            self.asked[doing, request_id] = method, time.monotonic()
        elif kind == "response":
            asked = "Received" if doing == "Sending" else "Sending", request_id
            method, begun = self.asked.pop(asked, (None, None))
            if method is not None:
                took = f" It took {round((time.monotonic() - begun) * 1000)} ms."
        name = " - ".join(filter(None, [method, "id" in message and f"({request_id})"]))
        line = {"message": f"{doing} {kind} '{name}'.{took}"}
        if self.traced == "verbose":
            content = [message[key] for key in ("params", "result", "error") if key in message]
            line["verbose"] = json.dumps(content)[1:4096]
        self.output.push({"jsonrpc": "2.0", "method": "$/logTrace", "params": line}, True)

    def notify(self, method, may_drop=True, **params):
        if method not in self.unwanted:
            self.send({"jsonrpc": "2.0", "method": method, "params": params}, may_drop)

    def tell(self, session, run, method, **params):
        run_id = {} if run is None or run.id is None else {"runId": run.id}
        self.notify(method, workspaceId=session.workspace_id, sessionId=session.id, **run_id,
                    **params)

    # Requests (sections 1 and 2).

    def on_bad(self, request_id, refused):
        self.output.header = self.input.framing == "header"
        self.send({"jsonrpc": "2.0", "id": request_id, "error": refused.error})

    def on_text(self, text):
        self.output.header = self.input.framing == "header"
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            self.on_bad(None, Refused("ParseError", "The input is no JSON."))
            return
        if not isinstance(message, list):
            task = self.take(message)
            if task is not None:
                task.add_done_callback(lambda each: self.send(each.result()))
        elif not message:
            self.on_bad(None, Refused("InvalidRequest", "The batch is empty."))
        else:
            tasks = [task for task in map(self.take, message) if task is not None]
            if tasks:
                batch = asyncio.gather(*tasks)
                self.batches.add(batch)
                batch.add_done_callback(self.batches.discard)
                batch.add_done_callback(lambda each: self.send(each.result()))

    def take(self, message):
        """Begins what a message asks for; gives the task of its answer if it gets one."""
        if isinstance(message, dict) and "method" not in message and "id" in message:
            self.trace("Received", message)
            question = self.questions.pop(repr(message["id"]), None)
            if question is not None and not question.done():
                question.set_result(message.get("result"))
            return None
        request_id = message.get("id") if isinstance(message, dict) else None
        is_id = request_id is None or isinstance(request_id, (str, int, float))
        if (not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not is_id
                or isinstance(request_id, bool) or not isinstance(message.get("method"), str)
                or not isinstance(message.get("params"), (dict, list, type(None)))):
            refused = Refused("InvalidRequest", "This is no request.")
            return asyncio.ensure_future(self.refuse(request_id if is_id else None, refused))
        method, params = message["method"], message.get("params")
        self.trace("Received", message)
        if method == "$/setTrace" and "id" not in message:
            value = params.get("value") if isinstance(params, dict) else None
            self.traced = value if value in TRACES else self.traced
            return None
        if method == "$/cancelRequest" and "id" not in message:
            task = self.requests.get(repr((params or {}).get("id")))
            if task is not None:
                task.cancel()
            return None
        task = asyncio.ensure_future(self.work(method, params))
        if "id" not in message:
            task.add_done_callback(lambda each: each.cancelled() or each.exception())
            return None
        self.requests[repr(request_id)] = task
        return asyncio.ensure_future(self.answer(request_id, task))

    async def refuse(self, request_id, refused):
        return {"jsonrpc": "2.0", "id": request_id, "error": refused.error}

    async def answer(self, request_id, task):
        try:
            return {"jsonrpc": "2.0", "id": request_id, "result": await task}
        except Refused as refused:
            return await self.refuse(request_id, refused)
        except asyncio.CancelledError:
            return await self.refuse(request_id, Refused("RequestCancelled", "It was cancelled."))
        except Exception as error:  # a defect: told, and the server goes on
            print(f"minimal-server: {error!r}", file=sys.stderr)
            refused = Refused("InternalError", "Something unexpected.", errorId=new_id("err"))
            return await self.refuse(request_id, refused)
        finally:
            self.requests.pop(repr(request_id), None)
            self.loop.call_soon(self.greet)

    async def work(self, method, params):
        if self.shutting_down and method != "exit":
            raise Refused("ServerShuttingDown", "The server is shutting down.")
        if method not in METHODS:
            raise Refused("MethodNotFound", f"There is no method {method[:100]}.")
        return await METHODS[method](self, checked(method, params))

    def greet(self):
        """Behind the answer to `initialize`: what was not acknowledged, in its order (section 5)."""
        if self.initialized == "now":
            self.initialized = True
            self.traced = self.trace_asked or self.traced
            for kept in self.pending():
                self.deliver(kept)

    # Runs (sections 4 and 5).

    def workspace(self, params):
        found = self.workspaces.get(params["workspaceId"])
        if found is None:
            raise Refused("WorkspaceNotFound", "No such workspace is open here.")
        return found

    def session(self, params):
        workspace = self.workspace(params)
        found = self.sessions.get(params["sessionId"])
        if found is None or found.workspace_id != workspace.id:
            raise Refused("SessionNotFound", "There is no such session in this workspace.")
        return found

    def run(self, params):
        run = self.by_id.get((self.workspace(params).id, params["runId"]))
        if run is None:
            raise Refused("RunNotFound", "There is no such run in this workspace.")
        return run

    def pending(self):
        kept = [each for each in self.completions.values()
                if each["client"] == self.client and not each["acknowledged"]]
        return sorted(kept, key=lambda each: each["sequence"])

    def keep(self, run, completion, sequence):
        run.state, run.completion = "completed", completion["completionId"]
        self.completions[run.completion] = {
            "completion": completion, "sequence": sequence, "client": run.client,
            "attempt": 0, "acknowledged": False}
        run.done.set()

    def complete(self, run, status, text="", **more):
        """Commits the end of a run, and then tells it."""
        completion = {
            "completionId": new_id("cmp"), "workspaceId": run.workspace_id,
            "sessionId": run.session_id, "text": text, "status": status,
            "cancelled": status == "cancelled", "foldedPrompts": len(run.folded),
            "completedAt": now(), **more}
        if run.id is not None:
            completion["runId"] = run.id
        sequence = len(self.completions) + 1
        self.log.add("done", durable=True, key=run.key, completion=completion, sequence=sequence)
        self.keep(run, completion, sequence)
        if run.client == self.client and status != "interrupted":
            self.deliver(self.completions[run.completion])

    def wire_completion(self, kept):
        return {**kept["completion"], "sequence": kept["sequence"], "attempt": kept["attempt"]}

    def deliver(self, kept, delay=None):
        kept["attempt"] += 1
        self.log.add("sent", id=kept["completion"]["completionId"], attempt=kept["attempt"])
        self.send({"jsonrpc": "2.0", "method": "runComplete",
                          "params": self.wire_completion(kept)})
        if self.ack_ms is not None:
            delay = min(delay or self.ack_ms / 1000, 300)
            self.loop.call_later(delay, self.deliver_again, kept, delay * 2)

    def deliver_again(self, kept, delay):
        if not kept["acknowledged"] and not self.ending:
            self.deliver(kept, delay)

    def drop(self, run, cause="user"):
        """Ends a run that waits in the queue."""
        if run.id is not None:
            self.complete(run, "cancelled", cause=cause, neverRan=True)
        run.state = "completed"
        self.log.add("ended", key=run.key)

    def go_on(self, session):
        if session.turn is None and session.queue and not session.paused:
            run = session.turn = session.queue.pop(0)
            run.state, run.stop = "running", self.loop.create_future()
            self.log.add("begun", key=run.key)
            task = asyncio.ensure_future(self.take_turn(session, run))
            self.turns.add(task)
            task.add_done_callback(self.turns.discard)

    async def take_turn(self, session, run):
        said = {"text": ""}
        try:
            self.add_message(session, run, "user", [{"type": "text", "text": run.prompt}])
            await self.play(session, run, said)
            end = {"status": "succeeded"}
        except Stopped as stopped:
            end = {"status": "cancelled", "cause": str(stopped)}
        except ModelFailed as failed:
            name, sentence = failed.args
            end = {"status": "failed", "cause": "provider", "errorName": name, "error": sentence}
            self.tell(session, run, "agentError", name=name, message=sentence)
        session.updated = now()
        self.tell(session, run, "agentFinished", sessionTitle=session.title)
        usage = {"promptTokens": 0, "completionTokens": 0, "cost": 0}
        session.turn = None
        self.complete(run, **end, **said, usage=usage, steps=run.steps)
        for each in run.folded:
            if each.id is None:
                self.log.add("ended", key=each.key)
                continue
            self.complete(each, **end, **said, steps=0, joined=joined_to(run))
        self.go_on(session)

    async def play(self, session, run, said):
        """The loop of model and tools, with the offline model (section 10)."""
        steps = steps_of(run.prompt)
        while True:
            for each in [each for each in session.queue if each.joins and not session.paused]:
                session.queue.remove(each)
                run.folded.append(each)
                self.log.add("joined", durable=True, key=each.key, turn=run.key)
                each.state = "running"
                self.add_message(session, run, "user", [{"type": "text", "text": each.prompt}])
                steps += steps_of(each.prompt)
            message = self.add_message(session, run, "assistant", [], is_open=True)
            said.update(text="", messageId=message["id"])
            reason = "error"
            try:
                call = await self.reply(session, run, steps, message, said)
                reason = "endTurn" if call is None else "toolUse"
                run.steps += 1
            except Stopped:
                reason = "cancelled"
                raise
            finally:
                message["parts"].append({"type": "finish", "reason": reason})
                self.end_message(session, run, message)
            if call is None:
                return
            output, is_error = await self.use_tool(session, run, call)
            self.add_message(session, run, "tool", [
                {"type": "toolResult", "toolCallId": call["toolCallId"], "name": call["name"],
                 "output": output, "isError": is_error}])

    async def reply(self, session, run, steps, message, said):
        """Plays the steps up to the next tool call, which it gives."""
        while steps:
            kind, _, rest = steps.pop(0).partition(" ")
            await self.unless_stopped(run, 0)
            if kind == "@wait":
                await self.unless_stopped(run, int(rest) / 1000)
            elif kind == "@fail":
                status, _, sentence = rest.partition(" ")
                names = {"401": "ProviderAuth", "403": "ProviderAuth", "429": "RateLimited"}
                name = "ProviderOverloaded" if status >= "500" else names.get(status, "ProviderError")
                raise ModelFailed(name, f"The model answered {status}: {sentence}")
            elif kind == "@tool":
                name, _, text = rest.partition(" ")
                call = {"type": "toolCall", "toolCallId": new_id("call"), "name": name,
                        "input": json.loads(text or "{}"), "state": "pending"}
                message["parts"].append(call)
                return call
            else:
                await self.speak(session, run, message, said, kind, rest)
        return None

    async def speak(self, session, run, message, said, kind, rest):
        part_type = "reasoning" if kind == "@think" else "text"
        if not message["parts"] or message["parts"][-1]["type"] != part_type:
            message["parts"].append({"type": part_type, "text": ""})
        elif part_type == "text":
            rest = rest if kind == "@chunks" else "\n" + rest
        part, index = message["parts"][-1], len(message["parts"]) - 1
        count, text = 1, rest
        if kind == "@chunks":
            numbers = rest.split()
            count, text = int(numbers[0]), "." * int(numbers[1] if len(numbers) > 1 else 16)
        offset, pieces = units(part["text"]), []
        for chunk in range(count):
            if chunk % 64 == 63:
                await self.unless_stopped(run, 0)
            self.tell(session, run, "messageDelta", messageId=message["id"], partIndex=index,
                      kind=part_type, offset=offset, delta=text)
            offset += units(text)
            pieces.append(text)
        part["text"] += "".join(pieces)
        said["text"] = "".join(each["text"] for each in message["parts"] if each["type"] == "text")

    async def unless_stopped(self, run, seconds):
        await asyncio.wait([run.stop], timeout=seconds)
        if run.stop.done():
            raise Stopped(run.stop.result())

    def add_message(self, session, run, role, parts, is_open=False):
        message = {"id": new_id("msg"), "sessionId": session.id, "role": role, "parts": parts,
                   "createdAt": now(), "updatedAt": now()}
        session.messages.append(message)
        session.title = session.title or run.prompt.strip()[:50]
        if not is_open:
            self.log.add("message", session=session.id, message=message)
        self.tell(session, run, "messageCreated", message=message)
        return message

    def end_message(self, session, run, message):
        message["updatedAt"] = now()
        self.log.add("message", session=session.id, message=message)
        self.tell(session, run, "messageUpdated", message=message)

    # Tools and permissions (section 7).

    async def use_tool(self, session, run, call):
        workspace = self.workspaces[session.workspace_id]
        try:
            if call["name"] == "ls":
                call["state"] = "completed"
                return "\n".join(sorted(os.listdir(workspace.path))), False
            if call["name"] != "write":
                call["state"] = "failed"
                return f"There is no tool {call['name']}.", True
            path = os.path.join(workspace.path, call["input"]["path"])
            if not await self.may_write(workspace, session, run, call, path):
                call["state"] = "denied"
                return "The user denied it.", True
            with open(path, "w", encoding="utf-8") as file:
                file.write(call["input"]["content"])
            call["state"] = "completed"
            return "Written.", False
        except (OSError, KeyError, TypeError) as error:
            call["state"] = "failed"
            return f"{error}", True

    async def may_write(self, workspace, session, run, call, path):
        inside = os.path.realpath(path).startswith(workspace.path + os.sep)
        if workspace.mode == "allow" or path in session.allowed:
            return True
        if workspace.mode in ("deny", "plan") or not self.can_answer:
            return False
        if workspace.mode == "acceptEdits" and inside:
            return True
        self.question_count += 1
        question_id, answer = f"q{self.question_count}", self.loop.create_future()
        self.questions[repr(question_id)] = answer
        permission_id = new_id("per")
        params = {"permissionId": permission_id, "workspaceId": workspace.id,
                  "sessionId": session.id, "toolCallId": call["toolCallId"], "tool": "write",
                  "action": "write", "description": f"Write {path}", "path": path,
                  "locations": [{"path": path}], "readOnly": False,
                  "choices": ["allow", "allowForSession", "deny"], "input": call["input"]}
        if run.id is not None:
            params["runId"] = run.id
        self.send({"jsonrpc": "2.0", "id": question_id, "method": "requestPermission",
                          "params": params})
        await asyncio.wait([answer, run.stop], return_when=asyncio.FIRST_COMPLETED)
        if run.stop.done():
            self.questions.pop(repr(question_id), None)
            self.notify("$/cancelRequest", may_drop=False, id=question_id)
            raise Stopped(run.stop.result())
        result = answer.result()
        decision = result.get("decision") if isinstance(result, dict) else None
        decision = decision if decision in params["choices"] else "deny"
        # An input of the client's own is for `allow` alone, and is used as it is.
        if isinstance(result, dict) and "input" in result:
            own = result["input"] if isinstance(result["input"], dict) else {}
            if decision != "allow" or not all(isinstance(own.get(each), str) for each in call["input"]):
                decision = "deny"
            elif result["input"] != call["input"]:
                call["input"] = result["input"]
                path = os.path.join(workspace.path, str(call["input"].get("path")))
        if decision == "allowForSession":
            session.allowed.add(path)
        self.tell(session, run, "permissionResolved", permissionId=permission_id, decision=decision)
        return decision != "deny"

    # The end.

    def stop_all(self, cause, workspace_id=None):
        for session in self.sessions.values():
            if workspace_id in (None, session.workspace_id):
                for run in [session.queue.pop(0) for _ in list(session.queue)]:
                    self.drop(run, cause)
                if session.turn is not None and not session.turn.stop.done():
                    session.turn.stop.set_result(cause)

    async def settle(self):
        while self.turns:
            await asyncio.wait(self.turns)

    def end(self, cause, code):
        if not self.ending:
            self.ending = self.shutting_down = True
            self.stop_all(cause)
            self.last = asyncio.ensure_future(self.leave(code))

    async def leave(self, code):
        await self.settle()
        self.ended.set_result(code)


def steps_of(prompt):
    lines = [line for line in prompt.splitlines() if line.startswith("@")]
    return lines or [f"@say This is the offline model. You said: {prompt.splitlines()[0]}"]


# The methods: what each takes, and what it does.

METHODS, PARAMS = {}, {}
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def method(**fields):
    """Declares a method; `name="string?"` may be absent."""
    def declare(function):
        METHODS[function.__name__.rstrip("_")] = function
        PARAMS[function.__name__.rstrip("_")] = fields
        return function
    return declare


def depth_over(value, most):
    level = [value]
    for _ in range(most):
        level = [inner for each in level if isinstance(each, (dict, list))
                 for inner in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, (dict, list)) for each in level)


def checked(name, params):
    """The params, or `InvalidParams` (section 2)."""
    issues = []
    if isinstance(params, list) and params:
        issues.append({"path": "", "message": "Params are by name."})
    params = params if isinstance(params, dict) else {}
    if depth_over(params, 200):
        issues.append({"path": "", "message": "It is nested more than 200 levels deep."})
    for field, kind in PARAMS[name].items():
        value = params.get(field)
        if field not in params and kind.endswith("?"):
            continue
        is_bool = isinstance(value, bool) and kind.rstrip("?") == "integer"
        if is_bool or not isinstance(value, TYPES[kind.rstrip("?")]):
            issues.append({"path": field, "message": f"It must be of type {kind.rstrip('?')}."})
    if issues:
        raise Refused("InvalidParams", f"{issues[0]['path']}: {issues[0]['message']}", issues=issues)
    return params


@method(protocolVersion="integer?", clientId="string?", ackTimeoutMs="integer?",
        optOutNotifications="array?", capabilities="object?", trace="string?")
async def initialize(server, params):
    if server.initialized:
        raise Refused("AlreadyInitialized", "It was answered before.")
    if params.get("protocolVersion", 1) != 1:
        raise Refused("UnsupportedProtocolVersion", "Only version 1 is spoken.", supported=[1])
    if params.get("trace", "off") not in TRACES:
        issues = [{"path": "trace", "message": f"It must be one of {', '.join(TRACES)}."}]
        raise Refused("InvalidParams", issues[0]["message"], issues=issues)
    server.trace_asked = params.get("trace")
    before, server.client = server.client, params.get("clientId", server.client)
    for run in server.runs.values():
        if run.client == before != server.client:
            run.client = server.client
            server.log.add("adopted", key=run.key, client=run.client)
            if run.completion is not None:
                server.completions[run.completion]["client"] = server.client
    server.initialized = "now"
    server.ack_ms = params.get("ackTimeoutMs")
    server.unwanted = set(map(str, params.get("optOutNotifications", []))) - {"runComplete"}
    server.can_answer = params.get("capabilities", {}).get("requestPermission", True) is not False
    if isinstance(params.get("processId"), int):
        asyncio.ensure_future(watch(server, params["processId"]))
    return {"protocolVersion": 1, "serverInfo": {"name": "minimal-server", "version": "1.0.0"},
            "clientId": server.client, "pendingCompletions": len(server.pending()),
            "capabilities": {"methods": sorted(METHODS.keys() - {"exit"}), "notifications": NOTIFICATIONS,
                             "maxMessageBytes": MAX_MESSAGE, "levels": ["core", "durable"]}}


NOTIFICATIONS = ["runComplete", "messageCreated", "messageDelta", "messageUpdated",
                 "agentFinished", "agentError", "permissionResolved", "workspaceClosed",
                 "eventsDropped"]


async def watch(server, process_id):
    while not server.ending:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            server.end("disconnect", 0)
        except PermissionError:
            pass
        await asyncio.sleep(0.5)


@method()
async def ping(server, params):
    return {}


@method()
async def shutdown(server, params):
    server.shutting_down = True
    server.stop_all("shutdown")
    await server.settle()
    return {}


@method()
async def exit_(server, params):
    server.end("shutdown", 0 if server.shutting_down else 1)


def agent(workspace):
    more = {"model": MODEL, "modelConfig": {"provider": "offline", "model": "offline"}}
    return {"isReady": workspace.ready, "isBusy": False, "engine": "minimal",
            **(more if workspace.ready else {})}


def wire_workspace(workspace):
    return {"id": workspace.id, "path": workspace.path, "trusted": workspace.trusted,
            "permissionMode": workspace.mode, "isClosing": workspace.closing,
            "agent": agent(workspace), "createdAt": workspace.created}


@method(path="string", trusted="boolean?", permissionMode="string?", initAgent="boolean?")
async def createWorkspace(server, params):
    if params["path"] == "":
        raise Refused("PathRequired", "The path is empty.")
    path = os.path.realpath(params["path"])
    if not os.path.isdir(path):
        raise Refused("PathNotFound", "The path is no folder.")
    mode = params.get("permissionMode", "ask")
    if mode not in ("ask", "acceptEdits", "allow", "deny", "plan"):
        issue = {"path": "permissionMode", "message": "There is no such mode."}
        raise Refused("InvalidParams", issue["message"], issues=[issue])
    made = Workspace(path, mode, params.get("trusted", False))
    workspace = server.workspaces.setdefault(made.id, made)
    workspace.ready = workspace.ready or params.get("initAgent", False)
    return wire_workspace(workspace)


@method(workspaceId="string")
async def getWorkspace(server, params):
    return wire_workspace(server.workspace(params))


@method()
async def listWorkspaces(server, params):
    return {"workspaces": [wire_workspace(each) for each in server.workspaces.values()]}


@method(workspaceId="string")
async def deleteWorkspace(server, params):
    workspace = server.workspace(params)
    workspace.closing = True
    server.stop_all("deleted", workspace.id)
    while any(each.turn for each in server.sessions.values() if each.workspace_id == workspace.id):
        await asyncio.wait(server.turns, return_when=asyncio.FIRST_COMPLETED)
    if server.workspaces.pop(workspace.id, None) is not None:
        server.notify("workspaceClosed", workspaceId=workspace.id)
    return {}


@method(workspaceId="string")
async def initAgent(server, params):
    workspace = server.workspace(params)
    workspace.ready = True
    return agent(workspace)


@method(workspaceId="string")
async def getAgentInfo(server, params):
    return agent(server.workspace(params))


@method(workspaceId="string", sessionId="string?", title="string?")
async def createSession(server, params):
    workspace = server.workspace(params)
    found = server.sessions.get(params.get("sessionId"))
    if found is not None and found.workspace_id == workspace.id:
        return found.wire()
    record = {"id": params.get("sessionId") or new_id("ses"), "workspace": workspace.id,
              "title": params.get("title", ""), "at": now()}
    server.log.add("session", durable=True, **record)
    session = server.sessions[record["id"]] = Session(record)
    return session.wire()


@method(workspaceId="string", sessionId="string")
async def getSession(server, params):
    return server.session(params).wire()


def page(entries, params, name):
    start = int(params["cursor"]) if str(params.get("cursor", "")).isdigit() else 0
    limit = min(max(params.get("limit", 100), 1), 1000)
    more = {"nextCursor": str(start + limit)} if start + limit < len(entries) else {}
    return {name: entries[start:start + limit], **more}


@method(workspaceId="string?", limit="integer?", cursor="string?")
async def listSessions(server, params):
    mine = server.workspace(params).id if "workspaceId" in params else None
    found = [each.wire() for each in server.sessions.values() if mine in (None, each.workspace_id)]
    return page(found[::-1], params, "sessions")


@method(workspaceId="string", sessionId="string", limit="integer?", cursor="string?")
async def listMessages(server, params):
    return page(server.session(params).messages, params, "messages")


@method(workspaceId="string", sessionId="string", messageId="string")
async def getMessage(server, params):
    for message in server.session(params).messages:
        if message["id"] == params["messageId"]:
            return message
    raise Refused("MessageNotFound", "There is no such message in this session.")


@method(workspaceId="string", sessionId="string", prompt="string", runId="string?",
        attachments="array?", options="object?")
async def sendMessage(server, params):
    workspace = server.workspace(params)
    if not workspace.ready:
        raise Refused("AgentNotInitialized", "Call initAgent first.")
    if not params["prompt"].strip():
        raise Refused("EmptyPrompt", "The prompt is empty.")
    if params["sessionId"] == "":
        raise Refused("SessionMissing", "The sessionId is empty.")
    session = server.session(params)
    run_id, options = params.get("runId"), params.get("options", {})
    sent = json.dumps([session.id, params["prompt"], options], sort_keys=True)
    digest = hashlib.sha256(sent.encode("utf-8", "replace")).hexdigest()
    known = server.by_id.get((workspace.id, run_id))
    if run_id is not None and known is not None:
        if known.hash != digest:
            raise Refused("RunIdConflict", "This runId belongs to another prompt.")
        return {"runId": run_id, "duplicate": True, "state": known.state}
    if workspace.closing:
        raise Refused("WorkspaceClosing", "The workspace is closing.")
    others = set(options) - {"whenBusy"}
    when_busy = options.get("whenBusy", "join" if run_id is None else "queue")
    if params.get("attachments") or others or when_busy not in ("queue", "join", "reject"):
        issue = {"path": "options", "message": "Only whenBusy is known, and no attachment."}
        raise Refused("InvalidParams", issue["message"], issues=[issue])
    waits = session.turn is not None or bool(session.queue) or session.paused
    if waits and when_busy == "reject":
        raise Refused("SessionBusy", "A turn runs on this session.")
    if len(session.queue) >= 1000:
        raise Refused("QueueFull", "1,000 prompts are queued on this session.")
    record = {"key": new_id("key"), "workspace": workspace.id, "session": session.id,
              "runId": run_id, "hash": digest, "client": server.client,
              "prompt": params["prompt"], "joins": when_busy == "join"}
    server.log.add("run", durable=True, **record)
    run = server.runs[record["key"]] = Run(record)
    if run_id is not None:
        server.by_id[workspace.id, run_id] = run
    run.state = "queued" if waits else "accepted"
    session.queue.append(run)
    state = run.state
    server.go_on(session)
    return {"state": state, **({} if run_id is None else {"runId": run_id})}


def dropped(server, session):
    """Empties the queue; gives what an answer tells of each run, and of all of them together.
    A prompt comes back if this client had sent it, until the prompts have 1 MiB."""
    left, told, together = 1024 * 1024, [], {}
    for run in [session.queue.pop(0) for _ in list(session.queue)]:
        server.drop(run)
        entry = {} if run.id is None else {"runId": run.id}
        if run.client == server.client:
            left -= len(run.prompt.encode("utf-8", "replace"))
            if left >= 0:
                entry["prompt"] = run.prompt
            else:
                entry["promptTruncated"] = together["promptTruncated"] = True
        told.append(entry)
    return told, together


@method(workspaceId="string", sessionId="string")
async def cancelSession(server, params):
    session = server.session(params)
    cancelled = []
    if session.turn is not None:
        if not session.turn.stop.done():
            session.turn.stop.set_result("user")
        for run in [session.turn, *session.turn.folded]:
            cancelled.append({"was": "running", **({} if run.id is None else {"runId": run.id})})
    told, together = dropped(server, session)
    return {"cancelled": cancelled + [{"was": "queued", **entry} for entry in told], **together}


@method(workspaceId="string", runId="string")
async def cancelRun(server, params):
    run = server.run(params)
    session = server.sessions[run.session_id]
    if run.state == "completed":
        return {"outcome": "alreadyCompleted"}
    if run in session.queue:
        session.queue.remove(run)
        server.drop(run)
        return {"outcome": "cancelledBeforeStart"}
    if run is not session.turn:
        return {"outcome": "joined"}
    if not run.stop.done():
        run.stop.set_result("user")
    return {"outcome": "stopping"}


@method(workspaceId="string", sessionId="string")
async def queuedPrompts(server, params):
    return {"count": len(server.session(params).queue)}


@method(workspaceId="string", sessionId="string")
async def clearQueue(server, params):
    told, together = dropped(server, server.session(params))
    prompts = [entry["prompt"] for entry in told if "prompt" in entry]
    return {"cleared": len(told), "prompts": prompts, **together}


@method(workspaceId="string", sessionId="string")
async def pauseQueue(server, params):
    server.session(params).paused = True
    return {}


@method(workspaceId="string", sessionId="string")
async def resumeQueue(server, params):
    session = server.session(params)
    session.paused = False
    server.go_on(session)
    return {}


@method(workspaceId="string", runId="string")
async def getRun(server, params):
    run = server.run(params)
    found = {"runId": run.id, "sessionId": run.session_id, "state": run.state, "steps": run.steps}
    if run.completion is not None:
        found["completion"] = server.wire_completion(server.completions[run.completion])
    return found


@method(workspaceId="string", runId="string", timeoutMs="integer?")
async def waitRun(server, params):
    run = server.run(params)
    try:
        await asyncio.wait_for(run.done.wait(), params.get("timeoutMs", 60000) / 1000)
    except asyncio.TimeoutError:
        return {"timedOut": True}
    return server.wire_completion(server.completions[run.completion])


@method(workspaceId="string?", sessionId="string?")
async def listPendingCompletions(server, params):
    wanted = {name: params[name] for name in ("workspaceId", "sessionId") if name in params}
    found = [server.wire_completion(each) for each in server.pending()]
    return {"completions": [each for each in found
                            if all(each[name] == value for name, value in wanted.items())]}


@method(completionIds="array")
async def acknowledge(server, params):
    mine = {name for name, each in server.completions.items() if each["client"] == server.client}
    known = [each for each in params["completionIds"] if each in mine]
    if known:
        server.log.add("acknowledged", durable=True, ids=known)
    for each in known:
        server.completions[each]["acknowledged"] = True
    return {"acknowledged": known,
            "unknown": [each for each in params["completionIds"] if each not in mine]}


async def main():
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(state, "minimal-server.log")
    server = Server(Log(path))
    server.input = Input(server.on_text, server.on_bad)
    server.output.start()
    for name in (signal.SIGTERM, signal.SIGINT):
        server.loop.add_signal_handler(name, server.end, "shutdown", 0)
    reader = asyncio.StreamReader()
    await server.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    reading = asyncio.ensure_future(read(server, reader))
    code = await server.ended
    reading.cancel()
    server.output.finish()
    return code


async def read(server, reader):
    while data := await reader.read(65536):
        server.input.feed(data)
    server.end("disconnect", 0)


if __name__ == "__main__":
    os._exit(asyncio.run(main()))
