// What a server does with a model provider (protocol.md sections 4 and 10): the kit's own.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import type { Requirement } from "../requirement.js";

// A server without `listModels` has no providers that could be configured.
const withProviders = { level: "MUST", group: "core", lane: "own", needs: ["listModels"] } as const;

async function open(kit: Kit): Promise<Workspace> {
  return kit.workspace(await kit.start({ model: "provider" }));
}

export const models: readonly Requirement[] = [
  {
    ...withProviders,
    id: "TW-MODEL-001",
    section: 4,
    sentence:
      "Rate limits, overload (429, 5xx) and dropped connections are retried with back-off, honouring `retry-after`, before they fail a turn.",
    async check(kit) {
      const own = await open(kit);
      const prompt = `@busy 2\n@say at the third try, ${own.peer.clientId}`;
      const done = await own.run(await own.session(), prompt);
      demandSame(done.status, "succeeded", "the status after two rate limits");
      const tries = kit.provider.asked.filter(({ prompts }) => prompts.at(-1)?.includes(prompt));
      demandSame(tries.length, 3, "how often the provider was asked");
      await own.peer.close();
    },
  },
  {
    ...withProviders,
    id: "TW-MODEL-002",
    section: 10,
    sentence: "It uses the same loop, tools and permissions as any other model.",
    async check(kit) {
      const own = await open(kit);
      const sessionId = await own.session();
      const prompt = `@tool ls {}\n@say answered, ${own.peer.clientId}`;
      const done = await own.run(sessionId, prompt);
      demandSame(done.text, `answered, ${own.peer.clientId}`, "the text of the completion");
      const asked = kit.provider.asked.filter(({ prompts }) => prompts.at(-1)?.includes(prompt));
      demandSame(asked.length, 2, "how often the provider was asked");
      const failed = await own.run(sessionId, "@fail 401 no such key");
      demandSame([failed.status, failed.errorName], ["failed", "ProviderAuth"], "a refused key");
      await own.peer.close();
    },
  },
  {
    ...withProviders,
    id: "TW-MODEL-003",
    section: 4,
    sentence: "The session stays busy until the turn and its child processes have ended.",
    async check(kit) {
      const own = await open(kit);
      const sessionId = await own.session();
      const prompt = `@say begun ${own.peer.clientId}\n@wait 60000`;
      const runId = await own.send(sessionId, prompt);
      const isMeant = ({ prompts }: { prompts: readonly string[] }) =>
        prompts.at(-1)?.includes(prompt) === true;
      await own.peer.notice("messageDelta", (params) => params.runId === runId, "a delta");
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      demandSame((await own.peer.completion(runId)).status, "cancelled", "the status");
      const call = kit.provider.asked.find(isMeant);
      const end = await Promise.race([call?.ended, kit.pause(10_000).then(() => "still open")]);
      demandSame(end, "aborted", "the call of the model after the run was cancelled");
      const next = await own.run(sessionId, "@say next");
      demand(next.status === "succeeded", "the run after it does not succeed");
      await own.peer.close();
    },
  },
];
