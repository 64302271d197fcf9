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

/** Writes the user's configuration, with these models for large and small. */
function configure(large: string, small = "one"): void {
  const file = join(folder.path, "config.json");
  const models = [{ id: "one" }, { id: "two" }];
  writeFileSync(
    file,
    JSON.stringify({
      providers: {
        p: { type: "offline", models, defaultLargeModel: "one", defaultSmallModel: "one" },
      },
      models: { large: { provider: "p", model: large }, small: { provider: "p", model: small } },
    }),
  );
}

beforeEach(() => {
  folder = temporaryFolder();
  const file = join(folder.path, "config.json");
  configure("one");
  const env = { TURNWIRE_CONFIG: file };
  const source = new ConfigSource({ workspacePath: folder.path, trusted: false, env });
  configurationsRead = 0;
  const onChoice = () => {
    configurationsRead++;
  };
  const noSandbox = async () => ({ requested: "off" as const, enforced: false });
  agent = new WorkspaceAgent(source, silentLog, onChoice, noSandbox, "turnwire");
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

it("the next run takes the models that the file names by then, and so does what is told", async () => {
  await agent.init();
  configure("two", "two");
  expect(await agent.choice()).toMatchObject({ large: two, small: two });
  expect(agent.large).toEqual(two);
  expect(agent.info(false)).toMatchObject({ model: { id: "two" }, modelConfig: two });
});

it("what was chosen by hand stays when the file changes; what was not follows the file", async () => {
  await agent.init();
  await agent.setModel("small", two);
  configure("two", "one");
  await expect(agent.choice()).resolves.toMatchObject({ large: two, small: two });
  await agent.setModel("large", { provider: "p", model: "one" });
  configure("two", "two");
  expect(await agent.choice()).toMatchObject({ large: { model: "one" }, small: { model: "two" } });
});

it("a choice by hand that is refused leaves the other models to the file", async () => {
  await agent.init();
  await expect(agent.setModel("large", { provider: "p", model: "none" })).rejects.toThrow();
  configure("two");
  expect(await agent.choice()).toMatchObject({ large: two });
});

it("`update` goes back to what the file says", async () => {
  await agent.init();
  await agent.setModel("large", two);
  await agent.update();
  expect(await agent.choice()).toMatchObject({ large: { model: "one" } });
});
