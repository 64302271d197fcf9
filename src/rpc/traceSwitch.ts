// Turns on and off what a client is told of its connection's messages (protocol.md section 2). While it
// is off nothing is done for a message. The code that tells is loaded when it is first turned on.
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { MessageTrace, SeenMessage, TraceChannel } from "./messageTrace.js";

/** So many messages may come while the code is being loaded. */
const mostEarly = 1000;

/**
 * The trace of one connection, which is off at first. The function takes the params of `$/setTrace`;
 * those that are not valid are logged, and change nothing. `now` tells the time in milliseconds.
 */
export function traceSwitch(
  channel: TraceChannel,
  log: Log,
  now: () => number,
): (params: unknown) => void {
  /** What came while the code was being loaded: params, and messages. */
  const early: ({ params: unknown } | SeenMessage)[] = [];
  let trace: MessageTrace | undefined;
  const load = async () => {
    try {
      const { MessageTrace } = await import("./messageTrace.js");
      trace = new MessageTrace(channel, log, now);
      trace.begin(early);
    } catch (error) {
      // The build is damaged.
      channel.tap.onMessage = undefined;
      log.warn({ reason: messageOf(error) }, "no trace");
    }
  };
  return (params) => {
    if (trace !== undefined) trace.set(params);
    else if (early.length > 0) early.push({ params });
    else if ((params as { value?: unknown } | undefined)?.value !== "off") {
      early.push({ params });
      channel.tap.onMessage = (direction, message, idText) => {
        if (early.length < mostEarly) early.push({ direction, message, idText, at: now() });
      };
      void load();
    }
  };
}
