// The platform's own `fetch` takes 35 ms of a process's first turn and tens of megabytes. A turn does
// without it, whatever its provider speaks, on the built server.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { RawProvider } from "../helpers/rawProvider.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";
import { openSession } from "../helpers/wireSession.js";

/** Notes at the end of a process which parts of Node it has loaded. */
const noteParts = `process.on("exit", () => {
  require("node:fs").writeFileSync(process.env.PARTS_FILE, process.moduleLoadList.join("\\n"));
});`;

let provider: RawProvider;
beforeEach(async () => {
  provider = await RawProvider.start();
});
afterEach(() => provider.close());
afterAll(endServers);

it.each(wireFormats)("a turn with a provider of type $type loads no fetch", async (format) => {
  const folder = makeFolder();
  const [partsFile, script] = [join(folder, "parts.txt"), join(folder, "noteParts.cjs")];
  const configFile = join(folder, "config.json");
  const acme = {
    type: format.type,
    baseUrl: `${provider.origin}${format.path}`,
    apiKey: "key-1",
    models: [{ id: "model-1" }],
  };
  const model = { provider: "acme", model: "model-1" };
  const config = { providers: { acme }, models: { large: model, small: model } };
  writeFileSync(configFile, JSON.stringify(config));
  writeFileSync(script, noteParts);
  const server = startServer({
    env: { TURNWIRE_CONFIG: configFile, PARTS_FILE: partsFile },
    nodeArgs: ["--require", script],
  });
  const session = await openSession(server);
  provider.enqueue(answerOf(format, { text: ["That is all."] }));
  expect(await session.run("Go.", "r")).toMatchObject({ status: "succeeded" });
  server.child.stdin.end();
  await server.exit;
  const parts = readFileSync(partsFile, "utf8").split("\n");
  expect(parts).toContain("NativeModule _http_client");
  expect(parts.filter((name) => name.includes("undici"))).toEqual([]);
});
