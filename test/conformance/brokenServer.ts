// A proxy before a server of ours that breaks one promise: it reads both directions message by
// message, and changes, repeats, delays or drops some.
import type { Launch, ServerPipes } from "../../src/conformance/serverPipes.js";

// biome-ignore lint/suspicious/noExplicitAny: whatever a message holds, a fault changes it.
export type Message = any;

/** What a fault can do to its connection beside changing what passes. */
export interface Wire {
  toClient(text: string): void;
}

/** One way to break a promise; made anew for every process. */
export interface Breaking {
  /** What the client gets for a message of the server; by default the message itself. */
  fromServer?(message: Message): readonly Message[];
  /** What the server gets for a message of the client. */
  fromClient?(message: Message): readonly Message[];
}

/** A launch whose servers are all broken in this way. They speak `ndjson`. */
export function breakServers(launch: Launch, breaking: (wire: Wire) => Breaking): Launch {
  return (options) => breakServer(launch(options), breaking);
}

/** A launch whose servers write each body of the framing `header` in this way. */
export function misframe(launch: Launch, write: (body: Buffer) => Buffer): Launch {
  return (options) => {
    const pipes = launch(options);
    return {
      ...pipes,
      get lastWords() {
        return pipes.lastWords;
      },
      onOutput: (listener) => pipes.onOutput(bodies((body) => listener(write(body)))),
    };
  };
}

/** Takes what our own server writes apart: it has one header, and the length is right. */
function bodies(take: (body: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const end = rest.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/.exec(rest.toString("latin1", 0, end))?.[1]);
      const from = end + 4;
      if (end === -1 || rest.length < from + length) return;
      take(rest.subarray(from, from + length));
      rest = rest.subarray(from + length);
    }
  };
}

function breakServer(pipes: ServerPipes, breaking: (wire: Wire) => Breaking): ServerPipes {
  const listeners: ((bytes: Buffer) => void)[] = [];
  const toClient = (text: string) => {
    for (const listener of listeners) listener(Buffer.from(`${text}\n`));
  };
  const toServer = (text: string) => pipes.write(Buffer.from(`${text}\n`));
  const fault = breaking({ toClient });
  const output = lines((line) => {
    const message = JSON.parse(line);
    for (const each of fault.fromServer?.(message) ?? [message]) {
      toClient(JSON.stringify(each));
    }
  });
  const input = lines((line) => {
    const message = parsed(line);
    if (message === undefined || fault.fromClient === undefined) toServer(line);
    else for (const each of fault.fromClient(message)) toServer(JSON.stringify(each));
  });
  pipes.onOutput(output);
  return {
    ...pipes,
    get lastWords() {
      return pipes.lastWords;
    },
    write: input,
    onOutput: (listener) => void listeners.push(listener),
  };
}

function parsed(line: string): Message {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function lines(take: (line: string) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
      take(line);
    }
  };
}
