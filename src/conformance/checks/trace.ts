// Section 2 of protocol.md: what a client is told of the messages of its connection.
import { demand, demandSame } from "../checkFailure.js";
import { type Members, textOf } from "../message.js";
import type { Peer } from "../peer.js";
import type { Requirement } from "../requirement.js";

const inSection = { section: 2, level: "MUST", group: "core", lane: "own" } as const;

/** Sends a `ping` with this id, and gives its answer. */
async function ping(peer: Peer, id: string, params: object = {}): Promise<void> {
  await peer.exchange(JSON.stringify({ jsonrpc: "2.0", id, method: "ping", params }));
}

/** The next line of the trace that is meant. */
function line(peer: Peer, isMeant: (line: Members) => boolean, what: string): Promise<Members> {
  return peer.notice("$/logTrace", isMeant, `$/logTrace with ${what}`);
}

function tellsOfPing(told: Members, id: string): boolean {
  return textOf(told, "message").includes("ping") && textOf(told, "message").includes(id);
}

function linesOf(peer: Peer): readonly string[] {
  const lines = peer.notices.filter(({ method }) => method === "$/logTrace");
  return lines.map(({ params }) => textOf(params, "message"));
}

export const trace: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-CONNECTION-013",
    sentence:
      "`message` names the method, the `id`, and behind an answer the milliseconds since its request.",
    async check(kit) {
      const peer = await kit.start();
      peer.notify("$/setTrace", { value: "messages" });
      await ping(peer, "traced-1");
      const isIts = (told: Members) => tellsOfPing(told, "traced-1");
      await line(peer, isIts, "a ping");
      const isTimed = (told: Members) => isIts(told) && /\d ?ms\b/.test(textOf(told, "message"));
      const timed = await line(peer, isTimed, "the milliseconds of a ping");
      demandSame(timed.verbose, undefined, "`verbose` where only messages were asked for");
      const own = linesOf(peer).filter((text) => text.includes("$/logTrace"));
      demandSame(own, [], "what is told of the trace itself");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-014",
    sentence: "With `verbose` its params, its result or its error come as text too.",
    async check(kit) {
      const peer = await kit.start({ initialize: { trace: "verbose" } });
      const mark = "a-mark-in-the-params";
      await ping(peer, "traced-2", { mark });
      await line(peer, (told) => textOf(told, "verbose").includes(mark), "the params of a ping");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-CONNECTION-015",
    sentence: "With `off`, as at first, nothing is told, and another value changes nothing.",
    async check(kit) {
      const peer = await kit.start();
      await ping(peer, "untraced-1");
      peer.notify("$/setTrace", { value: "messages" });
      peer.notify("$/setTrace", { value: "loud" });
      await ping(peer, "traced-3");
      await line(peer, (told) => tellsOfPing(told, "traced-3"), "a ping after an unknown value");
      peer.notify("$/setTrace", { value: "off" });
      await ping(peer, "untraced-2");
      const before = linesOf(peer).length;
      await ping(peer, "untraced-3");
      await ping(peer, "untraced-4");
      await kit.pause(100);
      demandSame(linesOf(peer).length, before, "the lines of the trace after it was off");
      const told = linesOf(peer).filter((text) => text.includes("untraced-"));
      demand(told.length === 0, `told while it was off: ${told.join(" ")}`);
      await peer.close();
    },
  },
];
