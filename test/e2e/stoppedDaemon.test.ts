// docs/operating.md: a daemon that is stopped by a signal keeps its place, and goes on when it is woken.
import { afterAll, expect, it } from "vitest";
import { DaemonChild, endDaemons, startDaemon } from "../helpers/daemonChild.js";
import { endServers } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endDaemons();
  await endServers();
});

const onUnix = unless(it, onWindows, "it has no SIGSTOP");

onUnix("a stopped daemon loses neither its place, its clients nor its run", async () => {
  const daemon = await startDaemon();
  const editor = daemon.client();
  await editor.call("initialize", { clientId: "editor" });
  const session = await openSession(editor);
  await session.send("@wait 500\n@say To its end.", "stopped");
  daemon.child.kill("SIGSTOP");
  try {
    const second = new DaemonChild({ dataDir: daemon.dataDir });
    expect(await second.exit).toEqual({ code: 75, signal: null });
    editor.send(editor.request("ping", {}, "meanwhile"));
  } finally {
    daemon.child.kill("SIGCONT");
  }
  expect((await editor.answer("meanwhile")).result).toEqual({});
  const done = await editor.completion("stopped");
  expect(done).toMatchObject({ status: "succeeded", text: "To its end." });
  expect(done.continuations).toBeUndefined();
  expect((await editor.call("daemonStatus", {})).pid).toBe(daemon.pid);
});
