// Sections 2 and 3 of protocol.md: the handshake, params, the end, workspaces and sessions.
import { join } from "node:path";
import { methods } from "../../protocol/registry.js";
import { demand, demandSame } from "../checkFailure.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { ready } from "./session.js";

/** Requests that end the server, or its connection. */
const ending: ReadonlySet<string> = new Set(["shutdown", "stopDaemon"]);

const inSection = { section: 2, level: "MUST", group: "core", lane: "own" } as const;

export const connection: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-CONNECTION-001",
    sentence: "Methods that require none take them omitted, `null`, `{}` or `[]`.",
    lane: "wire",
    async check(kit) {
      const peer = await kit.wire();
      for (const params of [undefined, null, {}, []]) {
        const text = JSON.stringify({ jsonrpc: "2.0", id: "none", method: "ping", params });
        const answer = await peer.exchange(text);
        demand(isMembers(answer) && isMembers(answer.result), `${text} is not answered`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-002",
    sentence:
      "Messages carry no keys beyond JSON-RPC's own, and unknown fields in params are ignored",
    lane: "wire",
    watches: "frames",
    async check(kit) {
      const peer = await kit.wire();
      await peer.result("listWorkspaces", { aFieldOfAnotherVersion: { deep: [1] } });
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-003",
    sentence:
      "a field of the wrong type, and params by position, are `-32602` with `data.issues: [{path, message}]` (at most 50), and so are params that are nested more than 200 levels deep.",
    lane: "wire",
    async check(kit) {
      const peer = await kit.wire();
      const deep = JSON.parse(`${'{"a":'.repeat(250)}1${"}".repeat(250)}`);
      for (const params of [{ workspaceId: 1 }, ["ws"], { workspaceId: "ws", deep }]) {
        const { error } = await peer.request("getWorkspace", params);
        demandSame(isMembers(error) && error.code, -32602, "the code for wrong params");
        const issues = listOf(membersOf(error, "data"), "issues");
        demand(issues.length > 0 && issues.length <= 50, "data.issues has 1 to 50 entries");
        demand(textOf(issues[0], "message") !== "", "an issue has a message");
        const isField = "workspaceId" in params && !("deep" in params);
        if (isField) demandSame(textOf(issues[0], "path"), "workspaceId", "the path of an issue");
      }
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-004",
    sentence:
      "[`initialize`](#initialize) is recommended, not required: without it a client gets the defaults and a fresh `clientId`.",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      const own = await kit.workspace(peer);
      const done = await own.run(await own.session(), "@say without a handshake");
      demandSame(done.status, "succeeded", "the status of a run without initialize");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-005",
    sentence: "A second one is `AlreadyInitialized`, but one that failed may be sent again.",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      const { error } = await peer.request("initialize", { protocolVersion: "one" });
      demand(error !== undefined, "initialize takes a version that is no number");
      const answer = await peer.result("initialize", { clientId: peer.clientId });
      demandSame(answer.clientId, peer.clientId, "the clientId of the answer");
      await peer.refused("initialize", { clientId: peer.clientId }, "AlreadyInitialized");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-006",
    sentence:
      "For a `protocolVersion` that the server does not support, the error is `UnsupportedProtocolVersion`, with the supported versions in `data.supported`.",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      const params = { protocolVersion: 999_999 };
      const data = await peer.refused("initialize", params, "UnsupportedProtocolVersion");
      demand(listOf(data, "supported").includes(1), "data.supported has 1");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-010",
    sentence:
      "`capabilities.methods` in its result lists the requests that the server answers; every other one is `MethodNotFound`.",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      const { capabilities } = await peer.result("initialize", { protocolVersion: 1 });
      const listed = listOf(capabilities, "methods").map(String);
      // Params that are missing keep every request from doing anything.
      const harmless = Object.keys(methods).filter((name) => !ending.has(name));
      for (const method of [...harmless, "noSuchMethod"]) {
        const { error } = await peer.request(method, {});
        const isThere = !isMembers(error) || error.code !== -32601;
        demandSame(isThere, listed.includes(method), `whether ${method} is answered`);
      }
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-007",
    sentence:
      "From the arrival of [`shutdown`](#shutdown) every other request is `ServerShuttingDown`.",
    async check(kit) {
      const peer = await kit.start();
      await peer.result("shutdown");
      await peer.refused("listWorkspaces", {}, "ServerShuttingDown");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-008",
    sentence:
      "Its answer, and that of [`deleteWorkspace`](#deleteworkspace), comes after the completions of the runs of this `clientId` that it ended",
    lane: "main",
    async check(kit) {
      const { peer } = await kit.shared();
      const own = await kit.workspace(peer);
      const sessionId = await own.session();
      const running = await own.send(sessionId, "@wait 60000");
      const queued = await own.send(sessionId, "@say never");
      await peer.result("deleteWorkspace", { workspaceId: own.id, force: true });
      const told = peer.notices.filter(({ method }) => method === "runComplete");
      for (const runId of [running, queued]) {
        const done = told.find(({ params }) => params.runId === runId)?.params;
        demand(
          done !== undefined,
          `deleteWorkspace was answered before the completion of ${runId}`,
        );
        demandSame([done.status, done.cause], ["cancelled", "deleted"], "status and cause");
      }
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-009",
    endsServer: true,
    sentence:
      "[`exit`](#exit) then ends the process with 0; without a `shutdown` before it, with 1.",
    async check(kit) {
      const peer = await kit.start();
      const own = await kit.workspace(peer);
      const runId = await own.send(await own.session(), "@wait 60000");
      await peer.result("shutdown");
      const told = peer.notices.some(({ params }) => params.runId === runId && "status" in params);
      demand(told, "shutdown was answered before the completion of the run that it ended");
      peer.notify("exit", {});
      demandSame((await peer.end()).code, 0, "the exit code after shutdown and exit");
      const abrupt = await kit.start();
      abrupt.notify("exit", {});
      demandSame((await abrupt.end()).code, 1, "the exit code after exit alone");
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-011",
    sentence: "One that is not valid counts as absent: no request is refused because of it.",
    lane: "main",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      for (const traceparent of ["", "nonsense", `00-${"0".repeat(32)}-${"0".repeat(16)}-01`]) {
        const more = { traceparent, tracestate: "a=1,a=2\n" };
        const done = await own.run(sessionId, "@say traced", more);
        demandSame(done.status, "succeeded", `the status of a run with "${traceparent}"`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-012",
    sentence: "The same prompt with another `traceparent` is still the same run.",
    lane: "main",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const params = { workspaceId: own.id, sessionId, prompt: "@say once", runId: "traced-twice" };
      const traceOf = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
      await own.peer.result("sendMessage", { ...params, traceparent: traceOf("a") });
      await own.peer.completion(params.runId);
      const again = await own.peer.result("sendMessage", { ...params, traceparent: traceOf("b") });
      demandSame(again.duplicate, true, "whether the second is a duplicate");
    },
  },
  {
    ...inSection,
    id: "TW-WORKSPACE-001",
    section: 3,
    sentence: "two creates of one folder give one workspace, and the first one's options win.",
    lane: "main",
    async check(kit) {
      const { peer } = await kit.shared();
      const path = kit.newFolder();
      const first = await peer.result("createWorkspace", { path, permissionMode: "deny" });
      const second = await peer.result("createWorkspace", { path: join(path, "."), trusted: true });
      const told = ({ id, permissionMode, trusted }: Members) => ({ id, permissionMode, trusted });
      demandSame(told(second), told(first), "the second create of a folder");
    },
  },
  {
    ...inSection,
    id: "TW-WORKSPACE-002",
    section: 3,
    sentence: "An empty path is `PathRequired`, one that is no folder `PathNotFound`.",
    lane: "main",
    async check(kit) {
      const { peer } = await kit.shared();
      await peer.refused("createWorkspace", { path: "" }, "PathRequired");
      const path = join(kit.newFolder(), "nothing");
      await peer.refused("createWorkspace", { path }, "PathNotFound");
    },
  },
  {
    ...inSection,
    id: "TW-WORKSPACE-003",
    section: 3,
    sentence:
      "Sessions are listed newest first, messages oldest first, in pages: pass `nextCursor` as `cursor` until there is none.",
    lane: "main",
    async check(kit) {
      const { peer } = await kit.shared();
      const own = await kit.workspace(peer);
      const sessions = [await own.session(), await own.session(), await own.session()];
      const found: unknown[] = [];
      let cursor: unknown;
      do {
        const params = { workspaceId: own.id, limit: 2, cursor };
        const page = await peer.result("listSessions", params);
        found.push(...listOf(page, "sessions").map((each) => textOf(each, "id")));
        cursor = page.nextCursor;
      } while (cursor !== undefined && found.length < 10);
      demandSame(found, sessions.reverse(), "the sessions in pages of two");
    },
  },
  {
    ...inSection,
    id: "TW-WORKSPACE-004",
    section: 3,
    sentence:
      "A workspace's id stays the same for the same real path in one data directory, also after a restart, but every server has to be told to open it.",
    group: "durable",
    async check(kit) {
      const [dataDir, path] = [kit.newFolder(), kit.newFolder()];
      const first = await kit.start({ dataDir });
      const { id } = await kit.workspace(first, path);
      await first.close();
      const second = await kit.start({ dataDir, command: "restart" });
      await second.refused("getWorkspace", { workspaceId: id }, "WorkspaceNotFound");
      demandSame((await kit.workspace(second, path)).id, id, "the id after a restart");
      await second.close();
    },
  },
];
