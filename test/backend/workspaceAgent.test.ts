import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { WorkspaceAgent } from "../../src/backend/workspaceAgent.js";
import { silentLog } from "../../src/base/log.js";
import { ConfigSource } from "../../src/config/source.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let configurationsRead: number;
let agent: WorkspaceAgent;

beforeEach(() => {
  folder = temporaryFolder();
  const file = join(folder.path, "config.json");
  const models = [{ id: "one" }, { id: "two" }];
  writeFileSync(
    file,
    JSON.stringify({
      providers: {
        p: { type: "offline", models, defaultLargeModel: "one", defaultSmallModel: "one" },
      },
      models: { large: { provider: "p", model: "one" } },
    }),
  );
  const env = { TURNWIRE_CONFIG: file };
  const source = new ConfigSource({ workspacePath: folder.path, trusted: false, env });
  configurationsRead = 0;
  agent = new WorkspaceAgent(source, silentLog, () => {
    configurationsRead++;
  });
});
afterEach(() => folder.remove());

const two = { provider: "p", model: "two" };

it("a model that is set while the configuration is being read again stays", async () => {
  await agent.init();
  const changes = [agent.update(), agent.setModel("large", two), agent.setModel("small", two)];
  await Promise.all(changes);
  expect(agent.large).toEqual(two);
  expect((await agent.choice()).small).toEqual(two);
});

it("a change that is refused holds up none of those behind it", async () => {
  await agent.init();
  const refused = agent.setModel("large", { provider: "p", model: "none" });
  const set = agent.setModel("large", two);
  await expect(refused).rejects.toMatchObject({ name: "ModelNotConfigured" });
  await set;
  expect(agent.large).toEqual(two);
});

it("an agent that is made ready twice at once reads its configuration once", async () => {
  await Promise.all([agent.init(), agent.init()]);
  expect(configurationsRead).toBe(1);
  expect(agent.isReady).toBe(true);
});
