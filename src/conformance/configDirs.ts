// The configuration that a server is started with: one folder for each model that may answer.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMembers, type Members, membersOf } from "./message.js";
import { scriptedModel } from "./scriptedProvider.js";
import type { Model } from "./serverPipes.js";

/**
 * Makes both folders below `folder`. `from` is a folder with the server's own configuration, whose
 * files are in both; in its `config.json` the kit's provider is added, and for `provider` its model
 * is chosen. Rejects where that file is no JSON object.
 */
export async function writeConfigDirs(
  folder: string,
  providerUrl: string,
  from?: string,
): Promise<Readonly<Record<Model, string>>> {
  const dirs = { offline: join(folder, "offline"), provider: join(folder, "provider") };
  for (const [model, dir] of Object.entries(dirs)) {
    if (from === undefined) await mkdir(dir, { recursive: true });
    else await cp(from, dir, { recursive: true });
    const path = join(dir, "config.json");
    const before = from === undefined ? {} : await readConfig(path);
    const config = model === "offline" ? before : withProvider(before, providerUrl);
    await writeFile(path, `${JSON.stringify(config, null, 2)}\n`);
  }
  return dirs;
}

async function readConfig(path: string): Promise<Members> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  const config: unknown = JSON.parse(text);
  if (!isMembers(config)) throw new SyntaxError(`${path} is no JSON object`);
  return config;
}

function withProvider(config: Members, providerUrl: string): Members {
  const provider = {
    type: "openai-compatible",
    baseUrl: providerUrl,
    apiKey: "not-a-key",
    models: [{ id: scriptedModel, contextWindow: 1_000_000 }],
  };
  const chosen = { provider: "conformance", model: scriptedModel };
  return {
    ...config,
    providers: { ...membersOf(config, "providers"), conformance: provider },
    models: { ...membersOf(config, "models"), large: chosen, small: chosen },
  };
}
