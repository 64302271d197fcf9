// The two that are compared, behind one face: the floor and the server.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { build } from "esbuild";
import { defined } from "../src/base/defined.js";
import { type Notice, Peer } from "./peer.js";

/** Builds a program of the benches; packages come from node_modules, as a server of one's own has them. */
export async function buildProgram(name: string): Promise<string> {
  const outfile = join("node_modules/.cache/turnwire", `${name}.mjs`);
  await build({
    entryPoints: [`bench/programs/${name}.ts`],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  return outfile;
}

/** The loopback provider, in a process of its own. */
export class Provider {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly baseUrl: string;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, port: number) {
    this.#child = child;
    this.baseUrl = `http://127.0.0.1:${port}/v1`;
  }

  static async start(): Promise<Provider> {
    const program = await buildProgram("provider");
    const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(child.stdout, "data");
    return new Provider(child, Number(String(line)));
  }

  /** Its own time for the calls since this was last asked, in milliseconds. */
  async takeTimes(): Promise<number[]> {
    const response = await fetch(new URL("/times", this.baseUrl));
    return (await response.json()) as number[];
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, "close");
  }
}

/** A turn, as the client saw it. */
export interface TurnSeen {
  /** From the prompt's leaving until its end was read, in milliseconds. */
  readonly ms: number;
  readonly text: string;
}

/** A session that takes prompts. */
export interface BenchSession {
  turn(prompt: string): Promise<TurnSeen>;
  /** A turn that streams: from the prompt's leaving until its first text was read, in milliseconds. */
  firstText(prompt: string): Promise<number>;
}

/** A running program that takes prompts. */
export interface Contestant {
  readonly peer: Peer;
  /** `initialize`. */
  greet(): Promise<void>;
  session(): Promise<BenchSession>;
  end(): Promise<void>;
}

/** What the floor does beside relaying. */
export interface FloorChoices {
  /** It makes two bare durable commits a turn, in this file. */
  readonly file?: string;
  /** It sends so many messages before each prompt. */
  readonly history?: number;
  /** It sends them through the provider's package. */
  readonly isPackaged?: boolean;
  /** It runs the commands that the model asks for; only with the package. */
  readonly runsCommands?: boolean;
}

/** The floor. */
export function startFloor(
  program: string,
  provider: Provider,
  { file = "", history = 0, isPackaged = false, runsCommands = false }: FloorChoices = {},
): Contestant {
  const more = [isPackaged ? "package" : "", runsCommands ? "commands" : ""];
  return contestant(
    new Peer({ args: [program, provider.baseUrl, file, String(history), ...more] }),
  );
}

/** The least that keeps the promises of the protocol for a turn, with its database in this file. */
export function startLeast(program: string, provider: Provider, file: string): Contestant {
  return contestant(new Peer({ args: [program, provider.baseUrl, file] }));
}

/** A program that takes a prompt and tells when it is done. */
function contestant(peer: Peer): Contestant {
  let sessions = 0;
  return {
    peer,
    greet: async () => void (await peer.request("initialize", { processId: null })),
    session: async () => {
      const session = `s${++sessions}`;
      const isIts = (params: Notice) => params.session === session;
      const turn = async (prompt: string) => {
        const begun = performance.now();
        const done = peer.next("done", isIts);
        await peer.request("prompt", { session, prompt });
        const { text, id } = await done;
        const ms = performance.now() - begun;
        // Only what is kept has an id.
        if (id !== undefined) peer.notify("acknowledge", { id });
        return { ms, text: String(text) };
      };
      return {
        turn,
        firstText: (prompt) => firstText(() => turn(prompt), peer.next("delta", isIts)),
      };
    },
    end: () => peer.end(),
  };
}

/** Runs a turn to its end, and tells how long its first text took. */
async function firstText(turn: () => Promise<unknown>, first: Promise<Notice>): Promise<number> {
  const begun = performance.now();
  const seen = first.then(() => performance.now() - begun);
  await turn();
  return seen;
}

/** Where a server runs. */
export interface ServerPlace {
  readonly dataDirectory: string;
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A place for servers: a data directory and a workspace of their own, and the provider configured.
 * `moreConfig` goes into the user's configuration.
 */
export function makePlace(
  folder: string,
  provider: Pick<Provider, "baseUrl">,
  moreConfig: object = {},
): ServerPlace {
  const workspace = join(folder, "workspace");
  const config = join(folder, "config.json");
  mkdirSync(workspace);
  writeFileSync(
    config,
    JSON.stringify({
      providers: {
        bench: {
          type: "openai-compatible",
          baseUrl: provider.baseUrl,
          models: [{ id: "bench-1", contextWindow: 1_000_000 }],
        },
      },
      models: { large: { provider: "bench", model: "bench-1" } },
      ...moreConfig,
    }),
  );
  return {
    workspace,
    dataDirectory: join(folder, "data"),
    env: { HOME: folder, TURNWIRE_CONFIG: config },
  };
}

/** How a server is started. */
export interface ServerChoices {
  /** For node itself. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It is a pipe to the place's daemon. */
  readonly isAttached?: boolean;
}

/** The server, built as it is published. */
export function startServer(place: ServerPlace, options: ServerChoices = {}): Server {
  return new Server(place, options);
}

/** The server under test. */
export class Server implements Contestant {
  readonly peer: Peer;
  readonly #path: string;
  #workspaceId: Promise<string> | undefined;
  #runs = 0;

  constructor(place: ServerPlace, options: ServerChoices) {
    this.#path = place.workspace;
    this.peer = new Peer({
      args: [
        ...["bin/turnwire.js", "serve", "--data-dir", place.dataDirectory],
        ...(options.isAttached ? ["--attach"] : ["--log-level", "warn"]),
      ],
      env: { ...place.env, ...options.env },
      ...defined({ nodeArgs: options.nodeArgs }),
    });
  }

  async greet(): Promise<void> {
    await this.peer.request("initialize", { clientId: "bench", protocolVersion: 1 });
  }

  /** Opens a workspace with its agent. */
  async open(path: string): Promise<string> {
    const { id } = await this.peer.request("createWorkspace", { path, initAgent: true });
    return String(id);
  }

  async session(): Promise<
    BenchSession & { readonly ids: { workspaceId: string; sessionId: string } }
  > {
    this.#workspaceId ??= this.open(this.#path);
    return this.sessionIn(await this.#workspaceId);
  }

  async sessionIn(workspaceId: string) {
    const { id } = await this.peer.request("createSession", { workspaceId, title: "bench" });
    const ids = { workspaceId, sessionId: String(id) };
    const isText = ({ sessionId, kind }: Notice) => sessionId === ids.sessionId && kind === "text";
    const turn = (prompt: string) => this.turn(ids, prompt);
    return {
      ids,
      turn,
      firstText: (prompt: string) =>
        firstText(() => turn(prompt), this.peer.next("messageDelta", isText)),
    };
  }

  async turn(ids: { workspaceId: string; sessionId: string }, prompt: string): Promise<TurnSeen> {
    const runId = `${this.peer.pid}-${++this.#runs}`;
    const begun = performance.now();
    const done = this.peer.next("runComplete", (params) => params.runId === runId);
    await this.peer.request("sendMessage", { ...ids, prompt, runId });
    const completion = await done;
    const ms = performance.now() - begun;
    if (completion.status !== "succeeded") throw new Error(`failed: ${String(completion.error)}`);
    this.peer.notify("acknowledge", { completionIds: [completion.completionId] });
    return { ms, text: String(completion.text) };
  }

  end(): Promise<void> {
    return this.peer.end();
  }
}
