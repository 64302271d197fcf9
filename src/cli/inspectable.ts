/** A server that can be looked into: from the beginning, or when a signal asks for it. */
import { messageOf } from "../base/errors.js";
import type { ChannelWatch } from "../transport/channelWatch.js";
import type { InspectedIo, InspectedServer } from "./inspectedServer.js";

/** What whoever opens the channels of the server needs. */
export interface Inspectable {
  readonly watched: ChannelWatch["at"];
  /** Resolves when everything from now on is seen, if that was asked for from the beginning. */
  readonly ready: Promise<unknown> | undefined;
  close(): Promise<void>;
}

/** Lets `turnwire inspect` look into a server; nothing is loaded until somebody wants to. */
export function inspectable(
  inspected: InspectedServer,
  options: { readonly inspect?: boolean },
  io: InspectedIo,
): Inspectable {
  const watched: ChannelWatch["at"] = {};
  let opened: Promise<(() => Promise<void>) | undefined> | undefined;
  const open = () => {
    opened ??= import("./liveInspection.js")
      .then(({ openInspection }) => openInspection(inspected, watched, io))
      .catch((error: unknown) => {
        inspected.log.warn({ reason: messageOf(error) }, "nobody can look into this server");
        return undefined;
      });
  };
  if (options.inspect) open();
  io.onInspect(open);
  return { watched, ready: opened, close: async () => (await opened)?.() };
}
