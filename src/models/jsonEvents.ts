// Reads a stream of events whose data is JSON, for the packages of providers. They build it of three
// transforms, each of which hands every piece on through several promises: half of what a long answer
// costs. The build puts this in its place (scripts/build/ownUtils.mjs).
import { createParser } from "eventsource-parser";
import { LightStream } from "./lightTransform.js";

/** The data of an event that says no more than that there is no other. */
const endMark = "[DONE]";

/**
 * What becomes of the events in `bytes`: one after the other, each only when somebody waits for it. What
 * `parse` rejects with, and every error of `bytes`, ends the stream. Cancelling it cancels `bytes`.
 */
export function jsonEvents<T>(
  bytes: ReadableStream<Uint8Array>,
  parse: (text: string) => T | Promise<T>,
): LightStream<Awaited<T>> {
  const reader = bytes.getReader();
  const decoder = new TextDecoder();
  let read: string[] = [];
  let next = 0;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data !== endMark) read.push(data);
    },
  });
  /** The data of the next event; undefined at the end. */
  const data = async (): Promise<string | undefined> => {
    while (next === read.length) {
      [read, next] = [[], 0];
      const { done, value } = await reader.read();
      if (done) return undefined;
      parser.feed(decoder.decode(value, { stream: true }));
    }
    return read[next++];
  };
  return new LightStream<Awaited<T>>(
    {
      async pull(controller) {
        const text = await data();
        if (text === undefined) return controller.close();
        try {
          controller.enqueue(await parse(text));
        } catch (error) {
          // The error ends the stream. How the rest of the bytes ends interests nobody.
          reader.cancel(error).catch(() => undefined);
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
