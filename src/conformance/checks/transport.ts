// Section 1 of protocol.md: frames and JSON-RPC 2.0.

import { demand, demandSame } from "../checkFailure.js";
import { frame } from "../frames.js";
import type { Kit } from "../kit.js";
import { isMembers, type Members, membersOf } from "../message.js";
import type { Requirement } from "../requirement.js";

const inSection = { section: 1, level: "MUST", group: "core", lane: "wire" } as const;

/** The code and id of an answer. */
function codeOf(answer: unknown): unknown {
  return isMembers(answer) ? [membersOf(answer, "error").code, answer.id] : answer;
}

async function sendsBack(kit: Kit, text: string | Buffer, expected: unknown): Promise<void> {
  const peer = await kit.wire();
  demandSame(codeOf(await peer.exchange(text)), expected, `the answer to ${text}`);
}

/** Fails where a text is answered: the next answer must be that of a request behind it. */
async function isSilent(kit: Kit, text: string): Promise<void> {
  const peer = await kit.wire();
  peer.send(text);
  const { answer } = peer.begin("ping");
  const first = await peer.waitFor(
    (message) => Array.isArray(message) || (isMembers(message) && message.method === undefined),
    "the answer to ping",
  );
  const { result } = await answer;
  demandSame((isMembers(first) ? first : {}).result, result, `the first answer after ${text}`);
}

function idsOf(answer: unknown): unknown {
  if (!Array.isArray(answer)) return answer;
  return answer.map((each: unknown) => (isMembers(each) ? each.id : each)).sort();
}

export const transport: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-TRANSPORT-001",
    sentence:
      "Messages are [JSON-RPC 2.0](https://www.jsonrpc.org/specification) in UTF-8, over the server's stdin and stdout.",
    watches: "frames",
    async check(kit) {
      const peer = await kit.wire();
      const id = "ü→😀";
      const answer = await peer.exchange(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
      demandSame((answer as Members).id, id, "the id of the answer");
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-002",
    sentence:
      "Only frames go to stdout, even if a dependency, a tool or a child process prints something.",
    watches: "frames",
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-003",
    sentence:
      "`Content-Length: N\\r\\n\\r\\n` and N bytes of body, as in the language server protocol; header names in any case, other headers ignored",
    framing: "header",
    watches: "frames",
    async check(kit) {
      const body = '{"jsonrpc":"2.0","id":"any-case","method":"ping"}';
      const head = `Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length: ${body.length}`;
      await sendsBack(kit, Buffer.from(`${head}\r\n\r\n${body}`), [undefined, "any-case"]);
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-004",
    sentence: "one message per line, ended by `\\n`; blank lines are ignored",
    framing: "ndjson",
    check: (kit) => isSilent(kit, "\n"),
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-005",
    sentence: "The server answers in kind, and writes nothing before the client's first message.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      let early = "";
      const listen = (bytes: Buffer) => {
        early += bytes.toString();
      };
      peer.pipes.onOutput(listen);
      await kit.pause(300);
      demandSame(early, "", "what came before the first message");
      await peer.result("ping");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-006",
    sentence:
      "Input that cannot be parsed is answered with `-32700` and `id: null`, a bad request object with `-32600`.",
    async check(kit) {
      await sendsBack(kit, '{"jsonrpc":"2.0","method":"foobar, "params":"bar","baz]', [
        -32700,
        null,
      ]);
      await sendsBack(kit, "[", [-32700, null]);
      await sendsBack(kit, '{"jsonrpc":"2.0","id":"bad","method":1}', [-32600, "bad"]);
      await sendsBack(kit, "1", [-32600, null]);
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-007",
    sentence: "A request with `id: null` is answered with `id: null`.",
    check: (kit) =>
      sendsBack(kit, '{"jsonrpc":"2.0","id":null,"method":"ping"}', [undefined, null]),
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-008",
    sentence:
      "A batch is answered with a batch of its requests' answers; a batch of notifications is not answered; an empty one is `-32600`.",
    async check(kit) {
      const peer = await kit.wire();
      const call = (id?: string) => JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
      const mixed = await peer.exchange(`[${call("a")},${call()},1,${call("b")}]`);
      demandSame(idsOf(mixed), ["a", "b", null], "the ids of the answers to a batch");
      await isSilent(kit, `[${call()},${call()}]`);
      await sendsBack(kit, "[]", [-32600, null]);
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-009",
    sentence: "A notification is never answered.",
    watches: "frames",
    async check(kit) {
      await isSilent(kit, '{"jsonrpc":"2.0","method":"ping"}');
      await isSilent(kit, '{"jsonrpc":"2.0","method":"noSuchMethod"}');
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-010",
    sentence: "An id comes back with its type: a string stays a string, a number a number.",
    async check(kit) {
      const peer = await kit.wire();
      for (const id of ["7", 7_000_001, "", -7, 0.5, "null"]) {
        const text = JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
        demandSame(codeOf(await peer.exchange(text)), [undefined, id], `the answer to ${text}`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-011",
    sentence:
      "After a bad message the connection goes on: in `ndjson` with the next line, in `header` with the next frame.",
    async check(kit) {
      const peer = await kit.wire();
      await peer.exchange('{"jsonrpc":');
      await peer.result("ping");
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-012",
    sentence:
      "A header block without a usable `Content-Length` is a bad message, and the server goes on reading after it.",
    framing: "header",
    async check(kit) {
      await sendsBack(kit, Buffer.from("Content-Length: many\r\n\r\n"), [-32700, null]);
      await (await kit.wire()).result("ping");
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-013",
    sentence:
      'A message over `--max-message-bytes` (64 MiB by default) is skipped without being stored, and answered with `-32600` and `data.name: "MessageTooLarge"`.',
    lane: "own",
    async check(kit) {
      const peer = await kit.start({ initialize: null });
      const { capabilities } = await peer.result("initialize", { protocolVersion: 1 });
      const most = Number((capabilities as Members).maxMessageBytes);
      demand(most > 0, "initialize tells no maxMessageBytes");
      const params = { text: "x".repeat(most) };
      const text = JSON.stringify({ jsonrpc: "2.0", id: "large", method: "ping", params });
      const answer = await peer.exchange(frame(kit.framing, text));
      const data = membersOf(membersOf(answer, "error"), "data");
      demandSame([codeOf(answer), data.name], [[-32600, "large"], "MessageTooLarge"], "the answer");
      await peer.result("ping");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-014",
    sentence:
      "`$/cancelRequest {id}` cancels a request that is still being worked on, which is then answered with `-32800`.",
    lane: "main",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@wait 60000");
      const waiting = own.peer.begin("waitRun", { workspaceId: own.id, runId });
      own.peer.notify("$/cancelRequest", { id: waiting.id });
      demandSame(codeOf(await waiting.answer), [-32800, waiting.id], "the cancelled request");
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      await own.peer.completion(runId);
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-015",
    sentence:
      "Unknown notifications that begin with `$/` are ignored; unknown requests that do are `-32601`.",
    async check(kit) {
      await isSilent(kit, '{"jsonrpc":"2.0","method":"$/noSuchMethod"}');
      await sendsBack(kit, '{"jsonrpc":"2.0","id":"d","method":"$/noSuchMethod"}', [-32601, "d"]);
      await sendsBack(kit, '{"jsonrpc":"2.0","id":"n","method":"noSuchMethod"}', [-32601, "n"]);
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-016",
    sentence:
      "The server takes no new work, cancels running turns (or, with `--linger SECONDS`, gives them that long to finish), puts every completion on disk, and exits with 0 within five seconds of the last turn's end.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start();
      const own = await kit.workspace(peer);
      await own.begun(await own.send(await own.session(), "@wait 60000"));
      peer.pipes.endInput();
      demandSame((await peer.end()).code, 0, "the exit code after the end of stdin");
    },
  },
  {
    ...inSection,
    id: "TW-TRANSPORT-017",
    endsServer: true,
    sentence:
      "SIGTERM and SIGINT do the same, and so does a closed stdout, or the death of the process named in `initialize.processId`.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start();
      peer.pipes.signal("SIGTERM");
      demandSame((await peer.end()).code, 0, "the exit code after SIGTERM");
    },
  },
];
