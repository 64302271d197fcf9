// The body of an answer as a stream of the web. It takes all that has arrived at once, and reads on only
// when somebody waits for more.
import type { Readable } from "node:stream";
import { fault, type RequestLife } from "./requestLife.js";

/** The bytes of `source`, which must be nobody else's. */
export function answerBody(
  source: Readable,
  life: Pick<RequestLife, "failure" | "leave">,
): ReadableStream<Uint8Array> {
  let isOver = false;
  /** What the reader waits for. */
  let more: (() => void) | undefined;
  let failure: { readonly cause: unknown } | undefined;
  const closed = () => {
    if (!isOver) failure ??= { cause: fault("ECONNRESET", "the other side closed the connection") };
  };
  const wake = () => {
    more?.();
    more = undefined;
  };
  source.on("readable", wake);
  source.once("end", () => {
    isOver = true;
    wake();
  });
  source.on("error", (cause) => {
    failure ??= { cause };
    wake();
  });
  source.once("close", () => {
    closed();
    wake();
  });
  // It may have ended while what unpacks it was loaded.
  if (source.destroyed) closed();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const piece: Uint8Array | null = source.read();
          if (piece !== null) return controller.enqueue(piece);
          if (isOver) return controller.close();
          if (failure !== undefined) throw life.failure("terminated", failure.cause);
          await new Promise<void>((resolve) => {
            more = resolve;
          });
        }
      },
      cancel() {
        isOver = true;
        life.leave();
      },
    },
    { highWaterMark: 0 },
  );
}
