// What a model, a repository, a page or a peer can send to keep everything else waiting: the table of
// a test and of rows of the benchmarks.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageTokens } from "../../src/agent/tokenEstimate.js";
import {
  checkToolInput,
  longestToolInput,
  mostToolInputValues,
  parseToolInput,
} from "../../src/agent/toolInput.js";
import { clipped } from "../../src/agent/transcript.js";
import { wellFormed } from "../../src/agent/wellFormed.js";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { redact } from "../../src/base/redact.js";
import { clipCharacters } from "../../src/base/text.js";
import { AgentsMd } from "../../src/engine/agentsMd.js";
import { tellState } from "../../src/engine/circumstances.js";
import { clientTools } from "../../src/engine/clientTool.js";
import { systemPrompt } from "../../src/engine/systemPrompt.js";
import { serverTools } from "../../src/mcp/serverTool.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { createTools, ToolResources } from "../../src/tools/index.js";
import { ownSearch } from "../../src/tools/search/ownSearch.js";
import { pageText } from "../../src/tools/web/page.js";
import { Peer } from "../transport/peer.js";
import { RawProvider } from "./rawProvider.js";

/** One input: what it is, and what is done with it. */
export interface HostileInput {
  readonly what: string;
  /** Makes it ready; what it gives is what is measured. */
  prepare(house: HostileHouse): Promise<() => unknown>;
}

const { signal } = new AbortController();

/** The tools of a workspace in a folder of the caller's. */
export class HostileHouse {
  readonly host = new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog });
  readonly #tools;
  #provider: Promise<RawProvider> | undefined;

  constructor(readonly folder: string) {
    const surroundings = { clock: systemClock, ids: randomIds, log: silentLog };
    const outputDirectory = join(folder, "..", "outputs");
    const resources = new ToolResources({ ...surroundings, host: this.host, outputDirectory });
    this.#tools = createTools({ resources });
  }

  /** A call of a tool, its input checked as a model's is. A failure is a result as well. */
  call(name: string, input: object): Promise<unknown> {
    const tool = this.#tools.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`there is no tool ${name}`);
    const checked = checkToolInput(tool.inputSchema, tool.jsonSchema, input);
    if (!checked.ok) return Promise.resolve(checked.problem);
    return tool.execute(checked.value, {
      workspacePath: this.folder,
      sessionId: "ses_1",
      toolCallId: "call_1",
      env: { PATH: process.env.PATH ?? "" },
      signal,
      permissions: { check: async () => ({ allowed: true }) },
      onOutput: () => {},
    });
  }

  /** Asks a provider whose answer has this body; an error is a result as well. */
  async ask(body: string): Promise<void> {
    this.#provider ??= RawProvider.start();
    const provider = await this.#provider;
    provider.usual = { body, pieceBytes: 64 * 1024 };
    const info = { id: "m", provider: "p", name: "M", canReason: false, supportsImages: false };
    const model = await createLanguageModel(
      { id: "p", type: "openai-compatible", headers: {}, models: [info], baseUrl: provider.origin },
      info,
    );
    try {
      const { stream } = await model.doStream({ prompt: [] });
      for await (const part of stream) if (part.type === "error") break;
    } catch {
      // The provider's package could not read it.
    }
  }

  /** Ends what was started for the inputs. */
  async close(): Promise<void> {
    await this.host.close();
    await (await this.#provider)?.close();
  }

  async write(path: string, content: string): Promise<void> {
    await writeFile(join(this.folder, path), content);
  }

  /** A file that the model has read, so that it may change it. */
  async known(path: string, content: string): Promise<void> {
    await this.write(path, content);
    await this.call("read", { path, limit: 1 });
  }
}

const lines = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join("\n");
const nineMb = () => lines(90_000, (n) => `${n} ${"some words of a line that is long ".repeat(3)}`);

function edit(what: string, content: () => string, oldText: string, replaceAll = false) {
  return {
    what: `edit: ${what}`,
    async prepare(house: HostileHouse) {
      await house.known("edited.txt", content());
      // So that the same edit can be done again.
      const edits = [{ oldText, newText: `${oldText}.`, replaceAll }];
      return () => house.call("edit", { path: "edited.txt", edits });
    },
  };
}

function called(what: string, tool: string, input: () => object, files: () => object = () => ({})) {
  return {
    what: `${tool}: ${what}`,
    async prepare(house: HostileHouse) {
      for (const [path, content] of Object.entries(files())) await house.write(path, content);
      const given = input();
      return () => house.call(tool, given);
    },
  };
}

function page(what: string, html: () => string) {
  return {
    what: `fetch: ${what}`,
    async prepare({ host }: HostileHouse) {
      const bytes = Buffer.from(html());
      const conversion = { contentType: "text/html", format: "markdown" as const };
      return () =>
        pageText(
          { bytes, isCut: false },
          { ...conversion, work: host.work, signal: AbortSignal.timeout(1_000) },
        ).catch((error: Error) => {
          // It would be given up after ten seconds; one is enough to see what it holds up.
          if (error.name !== "TimeoutError") throw error;
        });
    },
  };
}

function event(what: string, delta: () => string) {
  return {
    what: `an event of a model's answer with ${what}`,
    async prepare(house: HostileHouse) {
      const body = `data: {"choices":[{"index":0,"delta":${delta()}}]}\n\ndata: [DONE]\n\n`;
      return () => house.ask(body);
    },
  };
}

function work(what: string, make: (house: HostileHouse) => () => unknown): HostileInput {
  return { what, prepare: async (house) => make(house) };
}

function attached(what: string, mimeType: string, piece: string) {
  return work(`attachment: ${what}`, () => {
    const data = Buffer.from(piece.repeat((20 * 1024 * 1024) / Buffer.byteLength(piece)));
    const part = { type: "attachment" as const, name: "a", mimeType, size: data.length };
    const message = { id: "m", role: "user" as const, parts: [part] };
    return () => messageTokens({ ...message, attachmentData: new Map([[0, data]]) }, true);
  });
}

/** A message of a client, which is answered when all of it was taken. */
function message(what: string, params: () => string) {
  return work(`a message of ${what}`, () => {
    const peer = new Peer();
    peer.channel.connection.onRequest(() => true);
    peer.channel.connection.listen();
    const text = `{"jsonrpc":"2.0","id":1,"method":"a","params":${params()}}`;
    return () => {
      peer.send(text);
      return peer.nextText();
    };
  });
}

const wideSchema = {
  type: "object",
  properties: Object.fromEntries(
    Array.from({ length: 500 }, (_, n) => [`p${n}`, { type: "string", description: "A word." }]),
  ),
};

/** The table; `entries` is how many files a full folder has. */
export const hostileInputs = (entries = 100_000): readonly HostileInput[] => [
  edit("one letter everywhere in 9 MB", nineMb, "e", true),
  edit("50,000 places in 9 MB", () => lines(50_000, () => `x ${"y".repeat(180)}`), "x", true),
  edit(
    "what is nearly there in 9 MB",
    nineMb,
    lines(40, () => "some words of a line that is not"),
  ),
  edit("a line of 9 MB, nearly", () => "ab".repeat(4_500_000), `${"ab".repeat(2_000)}c`),
  edit(
    "what `indexOf` looks for during minutes",
    () => "a".repeat(9_000_000),
    `${"a".repeat(20_000)}b${"a".repeat(20_000)}`,
  ),
  {
    what: "edit: 100 places of 9 MB in one call",
    async prepare(house) {
      const content = nineMb();
      const edits = Array.from({ length: 100 }, (_, n) => ({
        oldText: `\n${n + 89_000} some`,
        newText: `\n${n + 89_000} some `,
      }));
      return async () => {
        await house.known("many.txt", content);
        await house.call("edit", { path: "many.txt", edits });
      };
    },
  },
  page("200,000 nested divs", () => "<div>".repeat(200_000)),
  page("a tag of 90,000 attributes", () => `<p ${lines(90_000, (n) => `a${n}=1`)}>x`),
  called(
    "a line of 9 MB",
    "read",
    () => ({ path: "line.txt" }),
    () => ({
      "line.txt": "x".repeat(9_000_000),
    }),
  ),
  called(
    "9 MB of line ends",
    "read",
    () => ({ path: "ends.txt", offset: 8_000_000 }),
    () => ({
      "ends.txt": "\n".repeat(9_000_000),
    }),
  ),
  called(
    "a line of 9 MB",
    "grep",
    () => ({ pattern: "(x+x+)+y" }),
    () => ({
      "line.txt": "x".repeat(9_000_000),
    }),
  ),
  {
    what: "grep without ripgrep: a pattern that backtracks",
    async prepare(house) {
      await house.write("own.txt", `${"x".repeat(3_000)}\n`.repeat(3_000));
      const search = { root: house.folder, pattern: "(x+x+)+y", isLiteral: false };
      return async () => {
        const found = ownSearch({ ...search, ignoreCase: false, signal }, ["own.txt"]);
        try {
          for await (const _ of found);
        } catch {
          // Given up, which is a result for the model.
        }
      };
    },
  },
  called(
    "a pattern of stars",
    "glob",
    () => ({ pattern: "*a".repeat(60) }),
    () => ({
      ["a".repeat(200)]: "",
    }),
  ),
  called("a pattern of many choices", "glob", () => ({ pattern: "{a,b}".repeat(12) })),
  {
    what: `ls, glob and grep: a folder of ${entries} files`,
    async prepare(house) {
      await mkdir(join(house.folder, "full"), { recursive: true });
      for (let n = 0; n < entries; n++) await house.write(`full/${n}`, "");
      return async () => {
        await house.call("ls", { path: "full" });
        await house.call("glob", { pattern: "full/*7" });
        await house.call("grep", { pattern: "x", path: "full" });
      };
    },
  },
  called("10,000 items", "todos", () => ({
    todos: Array.from({ length: 10_000 }, () => ({ text: "x", status: "pending" })),
  })),
  {
    what: "write: another text in the place of 9 MB",
    async prepare(house) {
      await house.known("diff.txt", nineMb());
      const content = lines(60_000, (n) => `${n * 2} ${"other words of such a line ".repeat(2)}`);
      let count = 0;
      // Another text each time it is done.
      const changed = () => content.replaceAll("other", `other${count++}`);
      return () => house.call("write", { path: "diff.txt", content: changed() });
    },
  },
  attached("20 MB of English", "text/plain", "plain text "),
  attached("20 MB of Chinese", "text/plain; charset=utf-8", "汉字"),
  attached("20 MB of no known type", "application/octet-stream", "汉字"),
  work("tool arguments of 10 MB", () => {
    const text = JSON.stringify({ a: "x".repeat(10_000_000) });
    return () => parseToolInput(text);
  }),
  work("tool arguments of as many values as are taken", () => {
    const text = `{"a":[${"0,".repeat(mostToolInputValues - 10)}0]}`;
    return () => parseToolInput(text);
  }),
  work("tool arguments of as many members as are taken", () => {
    const members = Array.from({ length: mostToolInputValues - 10 }, (_, n) => `"k${n}":1`);
    const text = `{"a":{${members.join(",")}}}`;
    return () => parseToolInput(text);
  }),
  work("tool arguments of empty objects alone", () => {
    const text = `{"a":[${"{},".repeat(longestToolInput / 3 - 10)}0]}`;
    return () => parseToolInput(text);
  }),
  work("tool arguments of one text of escapes", () => {
    const text = `{"a":"${"\\n".repeat(longestToolInput / 2 - 10)}"}`;
    return () => parseToolInput(text);
  }),
  work("tool arguments nested deep", () => {
    const text = `${'{"a":'.repeat(longestToolInput / 6 - 1)}1${"}".repeat(longestToolInput / 6 - 1)}`;
    return () => parseToolInput(text);
  }),
  message("10 MiB of brackets", () => "[".repeat(5_000_000) + "]".repeat(5_000_000)),
  message("a million empty objects", () => `[${"{},".repeat(999_000)}0]`),
  message("more values than are taken", () => `[${"0,".repeat(4_000_000)}0]`),
  message("200,000 members", () => {
    const members = Array.from({ length: 200_000 }, (_, n) => `"k${n}":1`);
    return `{${members.join(",")}}`;
  }),
  message("10 MiB of one text", () => `["${"я\\n".repeat(2_500_000)}"]`),
  event("a text of 8 MiB", () => `{"content":"${"some words ".repeat(760_000)}"}`),
  event("a text of 20 MiB", () => `{"content":"${"some words ".repeat(2_000_000)}"}`),
  event("8 MiB of brackets", () => "[".repeat(4_000_000) + "]".repeat(4_000_000)),
  event("8 MiB of empty objects", () => `[${"{},".repeat(2_700_000)}0]`),
  event("a million lines", () => "\ndata: 1".repeat(1_000_000)),
  work("200 tools of an MCP server, with large schemas", () => {
    const inputSchema = { ...wideSchema, type: "object" as const };
    const call = async () => ({ content: [] });
    const listed = Array.from({ length: 200 }, (_, n) => ({ name: `t${n}`, inputSchema }));
    return () => serverTools({ id: "s" }, listed, call, () => {});
  }),
  work("128 tools of a client, with large schemas", () => {
    // What was made ready is kept by its schema, so each time has schemas of its own.
    const sets = Array.from({ length: 4 }, () =>
      Array.from({ length: 128 }, (_, n) => {
        return { name: `t${n}`, description: "x", inputSchema: structuredClone(wideSchema) };
      }),
    );
    const call = () => Promise.reject(new Error("it is not called"));
    return () => clientTools({ clientTools: { tools: sets.pop() ?? [], call } }, 1);
  }),
  work("redacting a megabyte of secrets", () => {
    const text = "secret-one and secret-two ".repeat(40_000);
    return () => redact(text, ["secret-one", "secret-two", "secret-three"]);
  }),
  work("a title from a huge prompt and a huge reply", () => {
    const text = "e\u0301\u0301 ".repeat(5_000_000);
    return () => [wellFormed(clipped(text, 2_000)), clipCharacters(text, 80)];
  }),
  {
    what: "AGENTS.md of 9 MB",
    async prepare(house) {
      await house.write("AGENTS.md", "< / agents ".repeat(900_000));
      return async () => {
        const { text: agentsMd } = await new AgentsMd(house.folder).read();
        const now = { date: "2026-01-01", agentsMd, isAgentsMdDenied: false };
        const { begin } = tellState([], now);
        const place = { workspacePath: house.folder, platform: "linux" };
        return systemPrompt({ ...place, begin, tools: [] });
      };
    },
  },
];
