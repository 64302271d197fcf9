// Serves one editor over stdio.
import type { Readable, Writable } from "node:stream";
import { Deferred } from "../base/deferred.js";
import { AcpSessions, type AcpSessionsOptions } from "./acpSessions.js";
import { createAgentApp } from "./agentApp.js";
import { stdioStream } from "./stdioStream.js";

/** What an editor is served with. */
export interface ServeAcpOptions extends AcpSessionsOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly version: string;
  /** Calls back when what is being done now is done. */
  readonly soon: (run: () => void) => void;
}

/** An editor that is being served. */
export interface ServedEditor {
  /** Resolves when the editor has gone. */
  readonly closed: Promise<void>;
  /** Gives up its sessions; their completions wait. */
  leave(): void;
}

/** Requests that say that the editor has received what was told of their session. */
const acknowledging = new Set([
  "session/prompt",
  "session/load",
  "session/resume",
  "session/close",
]);

/** Serves an editor until it closes its end. */
export function serveAcp(options: ServeAcpOptions): ServedEditor {
  const sessions = new AcpSessions(options);
  const app = createAgentApp(
    sessions,
    { name: "turnwire", version: options.version },
    options.soon,
  );
  const stream = stdioStream(options.input, options.output, {
    read({ method, params }) {
      if (acknowledging.has(method)) void sessions.find(sessionIdIn(params))?.acknowledge();
    },
    answered(id) {
      for (const session of sessions.all) session.acknowledgements.left(id);
    },
  });
  const broken = new Deferred<void>();
  // An editor that closes its end of the output has gone too. The pipe may fail for more than one write.
  options.output.on("error", () => broken.resolve());
  const { closed } = app.connect(stream);
  return { closed: Promise.race([closed, broken.promise]), leave: () => sessions.leave() };
}

function sessionIdIn(params: unknown): unknown {
  return typeof params === "object" && params !== null && "sessionId" in params
    ? params.sessionId
    : undefined;
}
