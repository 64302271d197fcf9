// ACP's messages on a pair of Node streams, one a line. It tells when the bytes of an answer have left,
// and in what state of that a request was read: both are needed to know what the client has received.
import type { Readable, Writable } from "node:stream";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import { Deferred } from "../base/deferred.js";
import { deepestJson } from "../base/jsonDepth.js";
import { type KeptLine, LineSplitter } from "../base/lineSplitter.js";
import { messageHead } from "../base/messageHead.js";
import { parseInSteps, steppedJsonBytes } from "../base/steppedJson.js";
import { withAVersion } from "./anyVersion.js";

/** The longest message that is read, in bytes. */
const longestMessage = 64 * 1024 * 1024;

const tooLarge = `A message may have at most ${longestMessage} bytes, and be nested ${deepestJson} levels deep.`;

/**
 * An editor that asks more than this and reads no answer is not read on either: each answer that waits
 * for it is kept in memory.
 */
const mostUnanswered = 1_000;

/** What is told of the messages. */
export interface StreamWatch {
  /** A request was read and will be handled. */
  read(request: { readonly id: unknown; readonly method: string; readonly params: unknown }): void;
  /** The bytes of a request's answer have left. */
  answered(id: unknown): void;
}

/**
 * Makes the stream. A line that is no message, or is too long, is answered with an error and passed over.
 */
export function stdioStream(input: Readable, output: Writable, watch: StreamWatch): Stream {
  const write = (message: unknown) =>
    new Promise<void>((resolve, reject) => {
      output.write(`${JSON.stringify(message)}\n`, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  let unanswered = 0;
  let room = new Deferred<void>();
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      await write(message);
      if (!("id" in message) || "method" in message) return;
      watch.answered(message.id);
      unanswered = Math.max(0, unanswered - 1);
      room.resolve();
    },
  });
  const messages = messagesOf(input, write);
  const readable = new ReadableStream<AnyMessage>(
    {
      async pull(controller) {
        while (unanswered >= mostUnanswered) {
          room = new Deferred();
          await room.promise;
        }
        const { done, value } = await messages.next();
        if (done) {
          controller.close();
          return;
        }
        if (isRequest(value)) {
          unanswered++;
          watch.read(value);
        }
        controller.enqueue((isRequest(value) ? withAVersion(value) : value) as AnyMessage);
      },
    },
    // One message at a time: what is read later is read in a later state.
    { highWaterMark: 0 },
  );
  return { readable, writable };
}

/** The messages; a line that is none is answered at once, as JSON-RPC says. */
async function* messagesOf(
  input: Readable,
  write: (message: unknown) => Promise<void>,
): AsyncGenerator<unknown> {
  for await (const line of linesOf(input)) {
    const { omittedBytes, bytes } = line;
    const isLong = bytes.length > steppedJsonBytes;
    if (omittedBytes === 0 && !isLong && line.text.trim() === "") continue;
    const message = omittedBytes > 0 ? undefined : await parsed(line);
    const head = isLong && message === undefined ? messageHead(bytes) : undefined;
    if (typeof message === "object" && message !== null) {
      yield message;
    } else if (head !== undefined) {
      // Whoever waits for an answer hears of it: the editor, or we, if it is the answer itself.
      const error = refusal(-32600, tooLarge, head.id);
      if (head.method === undefined) yield error;
      else await write(error);
    } else if (omittedBytes > 0) {
      await write(refusal(-32700, tooLarge));
    } else if (message === undefined) {
      await write(refusal(-32700, "Parse error"));
    } else {
      await write(refusal(-32600, "Invalid request"));
    }
  }
}

async function* linesOf(input: Readable): AsyncGenerator<KeptLine> {
  const splitter = new LineSplitter(longestMessage);
  for await (const chunk of input) yield* splitter.push(chunk as Uint8Array);
  yield* splitter.end();
}

function refusal(code: number, message: string, id: string | number | null = null) {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** The value of a line of JSON; undefined if it is none. */
async function parsed(line: KeptLine): Promise<unknown> {
  try {
    if (line.bytes.length <= steppedJsonBytes) return JSON.parse(line.text);
    const json = await parseInSteps(line.bytes);
    // Of what is nested deeper, a part is missing.
    return json.depthOf(json.value) > deepestJson ? undefined : json.value;
  } catch {
    return undefined;
  }
}

function isRequest(message: unknown): message is { id: unknown; method: string; params: unknown } {
  return (
    typeof message === "object" &&
    message !== null &&
    "id" in message &&
    "method" in message &&
    typeof message.method === "string"
  );
}
