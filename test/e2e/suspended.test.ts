// A server that is stopped for a while, as with its machine's lid: its own sleep is nobody's fault.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** Longer than every limit below: time itself is what is tested here. */
const sleepMs = 4000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops a server, does something, and lets it go on when every limit has passed. */
async function suspended({ server }: WireSession, meanwhile: () => void): Promise<void> {
  server.child.kill("SIGSTOP");
  try {
    meanwhile();
    await pause(sleepMs);
  } finally {
    server.child.kill("SIGCONT");
  }
}

async function untilThere(path: string): Promise<void> {
  while (!existsSync(path)) await pause(10);
}

async function lastResult(session: WireSession): Promise<string> {
  const parts = (await session.messages()).flatMap((message) => message.parts);
  return parts.findLast((part) => part.type === "toolResult")?.output ?? "";
}

/** A command that says when it has begun, and ends when it may. */
function gated(folder: string) {
  const [begun, go] = [join(folder, "begun"), join(folder, "go")];
  const wait = `touch '${begun}'; while [ ! -e '${go}' ]; do sleep 0.02; done`;
  return { begun, wait, open: () => writeFileSync(go, "") };
}

unless(
  describe,
  onWindows,
  "processes cannot be stopped",
)("a server that was stopped", () => {
  async function start(config: object = { limits: { providerIdleSeconds: 3 } }) {
    const { provider, server } = await startLoopbackServer({ config });
    onTestFinished(() => provider.close());
    return { provider, session: await openSession(server) };
  }

  it("does not take its sleep for a provider's silence, before the reply and within it", async () => {
    const { provider, session } = await start();
    const gates = [new Gate(provider), new Gate(provider, 1)] as const;
    provider.enqueue(
      reply().gate(gates[0].opened).text("First."),
      reply().text("Sec").gate(gates[1].opened).text("ond."),
    );
    for (const [index, gate] of gates.entries()) {
      const runId = `run-${index}`;
      await session.send("Hello", runId);
      await gate.reached();
      await suspended(session, () => gate.open());
      const completion = await session.server.completion(runId);
      expect(completion).toMatchObject({ status: "succeeded", text: ["First.", "Second."][index] });
    }
    expect(provider.turnRequests).toHaveLength(2);
  });

  it("does not take its sleep for the time of a run, in a model call and in a command", async () => {
    const { provider, session } = await start({ limits: { providerIdleSeconds: 60 } });
    const { begun, wait, open } = gated(makeFolder());
    const gate = new Gate(provider);
    const limited = (runId: string) =>
      session.server.call("sendMessage", {
        ...session.params("Go on.", runId),
        options: { limits: { seconds: 3 } },
      });
    provider.enqueue(
      reply().gate(gate.opened).text("First."),
      reply().toolCall("bash", { command: wait }),
      reply().text("Done."),
    );
    await limited("run-1");
    await gate.reached();
    await suspended(session, () => gate.open());
    expect(await session.server.completion("run-1")).toMatchObject({ status: "succeeded" });
    await limited("run-2");
    await untilThere(begun);
    await suspended(session, open);
    expect(await session.server.completion("run-2")).toMatchObject({ status: "succeeded" });
    provider.enqueue(
      reply()
        .gate(new Promise(() => undefined))
        .text("Never."),
    );
    await limited("run-3");
    await suspended(session, () => undefined);
    // The time that is left after the sleep counts on.
    expect(await session.server.completion("run-3")).toMatchObject({ errorName: "TimeLimit" });
  });

  it("does not take its sleep for the slowness of a command", async () => {
    const { provider, session } = await start();
    const { begun, wait, open } = gated(makeFolder());
    const command = `${wait}; echo ended by itself`;
    provider.enqueue(reply().toolCall("bash", { command, timeoutMs: 3000 }), reply().text("Done."));
    await session.send("Do it.", "run-1");
    await untilThere(begun);
    await suspended(session, open);
    await session.server.completion("run-1");
    expect(await lastResult(session)).toContain("ended by itself");
  });
});
