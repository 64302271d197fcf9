// An editor's window closes: the agent is killed in mid-turn, at random moments. Whatever was accepted
// ends, and is told by the next `session/load`; what is told twice carries the same completion id.
// `npm run test:crash` plays it 200 times.
import { afterAll, expect, it } from "vitest";
import { isLong } from "../crash/longRun.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import { Editor, endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

const rounds = isLong ? 200 : 8;

it(`loses no turn in ${rounds} kills`, { timeout: isLong ? 1_200_000 : 60_000 }, async () => {
  const random = new SeededRandom(2811);
  const dataDir = makeFolder();
  const cwd = makeFolder();
  /** By completion id: how often it was told. */
  const told = new Map<string, number>();
  let sessionId: string | undefined;
  let accepted = 0;
  for (let round = 0; round < rounds; round++) {
    const editor = new Editor({ dataDir, args: ["--log-level", "warn"] });
    await editor.greet();
    if (sessionId === undefined) {
      ({ sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] }));
    } else {
      await editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
      const ends = endsToldTo(editor, sessionId);
      // The turn that was killed is told by this load, if it had been accepted at all.
      for (const id of ends) told.set(id, (told.get(id) ?? 0) + 1);
    }
    const prompt = editor.prompt(sessionId, `@say ${round}\n@wait 40\n@tool ls {}\n@say end`);
    const outcome = prompt.then(
      () => {},
      () => {},
    );
    await Promise.race([
      outcome,
      new Promise((resolve) => setTimeout(resolve, random.between(0, 120))),
    ]);
    await editor.kill();
    await outcome;
    accepted++;
  }
  const last = new Editor({ dataDir });
  await last.greet();
  await last.agent.request("session/load", { sessionId: sessionId ?? "", cwd, mcpServers: [] });
  for (const id of endsToldTo(last, sessionId ?? "")) told.set(id, (told.get(id) ?? 0) + 1);
  // Every prompt that the session has was told to have ended, once its completion was not received.
  const prompts = last
    .updates(sessionId ?? "")
    .filter(({ sessionUpdate }) => sessionUpdate === "user_message_chunk");
  expect(prompts.length).toBeLessThanOrEqual(accepted);
  expect(told.size).toBeGreaterThanOrEqual(prompts.length);
});

function endsToldTo(editor: Editor, sessionId: string): string[] {
  return editor.updates(sessionId).flatMap(({ _meta }) => {
    const own = _meta?.["turnwire.dev"] as { completionId?: string } | undefined;
    return own?.completionId ?? [];
  });
}
