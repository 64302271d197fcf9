"""A client for Turnwire, with nothing but Python's standard library.

    with Client(client_id="my-tool") as client:
        workspace = client.request("createWorkspace", {"path": ".", "initAgent": True})
        session = client.request("createSession", {"workspaceId": workspace["id"]})
        done = client.run(workspace["id"], session["id"], "@say There are 42.")
        print(done["status"], done["text"])

It starts `turnwire serve` as a child process and speaks JSON-RPC 2.0 with it, one message a line.
A completion is handled once: it is acknowledged when its handler is done, and a second delivery goes
no further. If the server dies while a run is waited for, the next one is started and is asked again
under the same `runId`, which never runs a prompt twice.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import uuid
from concurrent.futures import Future
from typing import Any, Callable, Iterator, Mapping, Sequence, TypedDict, cast

__all__ = ["Client", "Completion", "ConnectionLost", "Question", "RpcError"]

Params = Mapping[str, Any]


class _CompletionBase(TypedDict):
    completionId: str
    workspaceId: str
    sessionId: str
    status: str
    text: str


class Completion(_CompletionBase, total=False):
    """How a run ended (`runComplete`). More members may come with newer servers."""

    runId: str
    error: str
    errorName: str
    cause: str
    output: Any
    usage: dict[str, float]


class _QuestionBase(TypedDict):
    workspaceId: str
    sessionId: str
    tool: str
    description: str
    input: dict[str, Any]


class Question(_QuestionBase, total=False):
    """What a tool asks before it does something (`requestPermission`)."""

    cwd: str
    diff: str
    path: str


class RpcError(Exception):
    """An error that the server answered. `name` is stable: branch on it."""

    def __init__(self, error: Params) -> None:
        super().__init__(str(error.get("message")))
        data: Params = error.get("data") or {}
        self.code: int = int(error.get("code", 0))
        self.name: str = str(data.get("name", "UnknownError"))
        self.retryable: bool = data.get("retryable") is True


class ConnectionLost(Exception):
    """The server is gone, and no answer can come any more."""


def _deny(_question: Question) -> str:
    return "deny"


class _Connection:
    """One server process and the frames that go to and fro."""

    def __init__(self, command: Sequence[str], on_message: Callable[["_Connection", Params], None]) -> None:
        self._on_message = on_message
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._last_id = 0
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        self._is_closed = False
        threading.Thread(target=self._read, daemon=True).start()

    def request(self, method: str, params: Params) -> Future[Any]:
        answer: Future[Any] = Future()
        with self._lock:
            if self._is_closed:
                answer.set_exception(ConnectionLost("the server is gone"))
                return answer
            self._last_id += 1
            number = self._last_id
            self._waiting[number] = answer
        self.send({"id": number, "method": method, "params": params})
        return answer

    def send(self, message: Params) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
        stdin = self._process.stdin
        assert stdin is not None
        try:
            with self._lock:
                stdin.write(line + "\n")
                stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # The end of its output tells that it is gone.

    def close(self) -> None:
        """Ends the server in good order, and waits for it."""
        try:
            self.request("shutdown", {}).result(timeout=10)
            self.send({"method": "exit"})
        except (ConnectionLost, RpcError, TimeoutError):
            pass  # It is ended below all the same.
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        for line in stdout:
            message = json.loads(line)
            answer = self._waiting.pop(message.get("id"), None) if "method" not in message else None
            if answer is None:
                self._on_message(self, message)
            elif "error" in message:
                answer.set_exception(RpcError(message["error"]))
            else:
                answer.set_result(message.get("result"))
        with self._lock:
            self._is_closed = True
            lost = list(self._waiting.values())
            self._waiting.clear()
        for answer in lost:
            answer.set_exception(ConnectionLost("the server ended before it had answered"))
        self._on_message(self, {"method": "$gone"})


class Client:
    """A client and its server. Leave it with `close`, or use it in a `with` block.

    `on_permission` answers a question with `allow`, `allowForSession`, `allowAlways` or `deny`.
    `on_completion` gets every completion that no `run` waits for, those of earlier connections of this
    `client_id` first.
    """

    def __init__(
        self,
        client_id: str,
        command: Sequence[str] = ("turnwire", "serve"),
        on_permission: Callable[[Question], str] = _deny,
        on_completion: Callable[[Completion], None] | None = None,
    ) -> None:
        self._client_id = client_id
        self._command = command
        self._on_permission = on_permission
        self._on_completion = on_completion
        self._events: list[queue.SimpleQueue[Params | None]] = []
        self._runs: dict[tuple[str, str], Future[Completion]] = {}
        self._handled: set[str] = set()
        self._workspaces: list[Params] = []
        self._lock = threading.RLock()
        self._is_closing = False
        self._connection = self._connect()

    def request(self, method: str, params: Params | None = None) -> Any:
        """Sends a request and waits for its result. Raises `RpcError` or `ConnectionLost`."""
        given = params or {}
        result = self._connection.request(method, given).result()
        if method == "createWorkspace":
            # The next server has to be told to open it, too.
            self._workspaces.append(given)
        return result

    def run(
        self,
        workspace_id: str,
        session_id: str,
        prompt: str,
        run_id: str | None = None,
        options: Params | None = None,
    ) -> Completion:
        """Runs a prompt and waits for its completion, however the run ends: look at `status`."""
        name = run_id or f"py-{uuid.uuid4()}"
        params: dict[str, Any] = {
            "workspaceId": workspace_id,
            "sessionId": session_id,
            "prompt": prompt,
            "runId": name,
        }
        if options is not None:
            params["options"] = options
        key = (workspace_id, name)
        try:
            while True:
                done: Future[Completion] = Future()
                with self._lock:
                    self._runs[key] = done
                    connection = self._connection
                try:
                    answer = connection.request("sendMessage", params).result()
                    if answer.get("duplicate") and answer.get("state") == "completed":
                        asked = {"workspaceId": workspace_id, "runId": name}
                        told = connection.request("getRun", asked).result()
                        if "completion" in told:
                            self._take(connection, cast(Completion, told["completion"]))
                    return done.result()
                except ConnectionLost:
                    self._reconnect(connection)
        finally:
            with self._lock:
                self._runs.pop(key, None)

    def cancel(self, workspace_id: str, run_id: str) -> None:
        """Cancels a run. Its completion still comes, and says what became of it."""
        self.request("cancelRun", {"workspaceId": workspace_id, "runId": run_id})

    def events(self) -> Iterator[Params]:
        """Every notification from now on, until the client is closed. They are for show: some may be
        lost, a completion never is."""
        events: queue.SimpleQueue[Params | None] = queue.SimpleQueue()
        with self._lock:
            self._events.append(events)
        return iter(events.get, None)

    def kill(self) -> None:
        """Kills the server, as a crash would."""
        self._connection.kill()

    def close(self) -> None:
        """Ends the server in good order. Closing twice is harmless."""
        with self._lock:
            if self._is_closing:
                return
            self._is_closing = True
        self._connection.close()
        for events in self._events:
            events.put(None)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> _Connection:
        connection = _Connection(self._command, self._receive)
        try:
            connection.request(
                "initialize",
                {
                    "protocolVersion": 1,
                    "clientId": self._client_id,
                    "clientInfo": {"name": "turnwire-python"},
                },
            ).result(timeout=30)
            for workspace in self._workspaces:
                connection.request("createWorkspace", workspace).result()
        except BaseException:
            connection.kill()
            raise
        return connection

    def _reconnect(self, lost: _Connection) -> None:
        with self._lock:
            if self._is_closing:
                raise ConnectionLost("the client is closed")
            if self._connection is lost:
                self._connection = self._connect()

    def _receive(self, connection: _Connection, message: Params) -> None:
        method = message.get("method")
        params: Params = message.get("params") or {}
        if "id" in message and method is not None:
            # A question may wait for a person: the reader must go on meanwhile.
            threading.Thread(
                target=self._answer, args=(connection, message, params), daemon=True
            ).start()
        elif method == "runComplete":
            threading.Thread(
                target=self._take, args=(connection, cast(Completion, params)), daemon=True
            ).start()
        elif method == "$gone":
            self._lost(connection)
        elif method is not None:
            for events in list(self._events):
                events.put(message)

    def _answer(self, connection: _Connection, message: Params, params: Params) -> None:
        if message["method"] != "requestPermission":
            error = {"code": -32601, "message": "this client has no such method"}
            connection.send({"id": message["id"], "error": error})
            return
        decision = "deny"
        try:
            decision = self._on_permission(cast(Question, params))
        finally:
            connection.send({"id": message["id"], "result": {"decision": decision}})

    def _take(self, connection: _Connection, completion: Completion) -> None:
        key = (completion["workspaceId"], completion.get("runId", ""))
        name = completion["completionId"]
        with self._lock:
            run = self._runs.get(key)
            is_new = name not in self._handled
            if run is None and self._on_completion is None:
                return  # Nobody takes it: it stays with the server, and comes again.
            self._handled.add(name)
        if is_new and run is None and self._on_completion is not None:
            try:
                self._on_completion(completion)
            except BaseException:
                with self._lock:
                    self._handled.discard(name)
                raise
        try:
            connection.request("acknowledge", {"completionIds": [name]}).result()
        except (ConnectionLost, RpcError):
            pass  # What is not acknowledged comes again, and is acknowledged then.
        if run is not None and not run.done():
            run.set_result(completion)

    def _lost(self, connection: _Connection) -> None:
        """Whoever waits for a completion asks the next server for it."""
        with self._lock:
            if self._is_closing or connection is not self._connection:
                return
            waiting = [run for run in self._runs.values() if not run.done()]
        for run in waiting:
            run.set_exception(ConnectionLost("the server ended"))
