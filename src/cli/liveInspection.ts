// A server that `turnwire inspect` can look into (docs/inspecting.md): a thread of its own takes what
// goes through its channels, and hands it to whoever of its user's connects.

import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { userConfigPaths } from "../config/paths.js";
import { inspectFolder } from "../inspector/liveNote.js";
import { secretsAround } from "../inspector/secretsAround.js";
import { ThreadFeed } from "../inspector/threadFeed.js";
import type { CompletionAction, Figure } from "../inspector/threadMessages.js";
import type { ChannelWatch } from "../transport/channelWatch.js";
import type { LogSink } from "../transport/logSink.js";
import type { InspectedIo, InspectedServer } from "./inspectedServer.js";

/** How often the server tells how it is, in milliseconds. */
const betweenFiguresMs = 2000;
const megabyte = 1024 * 1024;

/** Opens it; returns how to close it. */
export async function openInspection(
  { server: { completions }, dataDirectory, log }: InspectedServer,
  watched: ChannelWatch["at"],
  io: InspectedIo,
): Promise<() => Promise<void>> {
  const { clock, processId: pid, version, logSink } = io;
  const built = (name: string) => new URL(`../${name}`, import.meta.url);
  const feed = new ThreadFeed({
    program: built("inspector.mjs"),
    settings: {
      protocolLibrary: built("protocol.js").href,
      secrets: secretsAround(io.env, userConfigPaths(io.env).files),
      hidesContents: false,
      served: {
        folder: join(dataDirectory, inspectFolder),
        pid,
        command: [`turnwire ${version}`, `process ${pid}`],
      },
    },
    now: () => clock.now(),
    onTrouble: (text) => log.warn({ reason: text }, "the inspection of this server is in trouble"),
    onLink() {},
    onAct: (action) => act(action, completions, clock.now()),
  });
  void feed.failed.then((reason) => log.warn({ reason }, "nobody can look into this server"));
  watched.watcher = {
    received: (pipe, frame) => feed.frame(pipe, "client", frame),
    sent: (pipe, text) => feed.frame(pipe, "server", { kind: "text", text }),
    closed: (pipe) => feed.closed(pipe),
  };
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let timer = clock.after(betweenFiguresMs, tell);
  function tell(): void {
    feed.health(figuresOf(delay, logSink), completions.broadcaster.loads);
    delay.reset();
    timer = clock.after(betweenFiguresMs, tell);
  }
  logSink.recent.listen((text, at) => feed.log(text, at));
  log.info({}, "`turnwire inspect` can look into this server");
  return async () => {
    delete watched.watcher;
    logSink.recent.listen(undefined);
    timer.cancel();
    delay.disable();
    await feed.end(undefined, undefined);
  };
}

function figuresOf(
  delay: ReturnType<typeof monitorEventLoopDelay>,
  { droppedLines }: LogSink,
): Figure[] {
  const used = getHeapStatistics().used_heap_size;
  const ms = (nanoseconds: number) => `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return [
    { name: "Event-loop delay, 99 of 100", value: ms(delay.percentile(99)) },
    { name: "Event-loop delay, longest", value: ms(delay.max) },
    { name: "JavaScript heap", value: `${(used / megabyte).toFixed(1)} MB` },
    { name: "Log lines that nobody read", value: `${droppedLines}` },
  ];
}

/** Does what somebody wants with a completion; returns why it cannot be done. */
async function act(
  { what, completionId, clientId, sequence }: CompletionAction,
  { outbox, broadcaster }: InspectedServer["server"]["completions"],
  now: number,
): Promise<string | undefined> {
  if (what === "acknowledge") {
    const { unknown } = await outbox.acknowledge(clientId, [completionId], now);
    return unknown.length === 0 ? undefined : "There is no such completion any more.";
  }
  if (broadcaster.again(clientId, sequence) > 0) return undefined;
  return "Its client is not connected: it gets the completion when it connects.";
}
