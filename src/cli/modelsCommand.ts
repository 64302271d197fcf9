/** `turnwire models`: shows the configured providers and models. Never shows keys (docs/cli.md). */
import { messageOf } from "../base/errors.js";
import type { ResolvePath } from "../base/startFolder.js";
import { loadConfig } from "../config/load.js";
import { findModel } from "../config/models.js";
import { redact } from "../config/redact.js";
import type { Provider, ResolvedConfig } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { exitCodes } from "./runOptions.js";
import { visibleLine } from "./visibleText.js";

export interface ModelsCommandOptions {
  /** The folder whose `turnwire.json` is used; by default the process's own. */
  readonly cwd?: string;
  readonly trust?: boolean;
  readonly json?: true;
}

/** What a command about the configuration works with. */
export interface ConfigurationIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly resolvePath: ResolvePath;
  /** Each function prints one line, which is given without its end. */
  writeOut(line: string): void;
  writeError(line: string): void;
}

/**
 * Prints the answer. Resolves with the exit code, which is 1 if the configuration has a mistake. Never
 * rejects.
 */
export async function modelsCommand(
  { cwd = ".", trust = false, json }: ModelsCommandOptions,
  io: ConfigurationIo,
): Promise<number> {
  let config: ResolvedConfig;
  try {
    const workspacePath = io.resolvePath(cwd);
    config = await loadConfig({ workspacePath, trusted: trust, env: io.env });
  } catch (error) {
    io.writeError(`turnwire models: ${visibleLine(messageOf(error))}`);
    return exitCodes.failed;
  }
  const providers = providersOf(config);
  if (json) {
    const { large, small } = config.models;
    io.writeOut(JSON.stringify({ large, small, providers }));
    return exitCodes.succeeded;
  }
  for (const { id, type, key, models } of providers) {
    io.writeOut(`${visibleLine(id)}  (${type}, key: ${visibleLine(key)})`);
    for (const model of models) io.writeOut(`  ${modelLine(model, usesOf(config, model))}`);
  }
  for (const warning of config.warnings) io.writeError(`warning: ${visibleLine(warning)}`);
  return exitCodes.succeeded;
}

/** A provider as it is shown, with the source of its key and whether there is one. */
interface ToldProvider {
  readonly id: string;
  readonly type: string;
  readonly baseUrl?: string;
  /** The source of the key, never the key itself. */
  readonly key: string;
  readonly hasKey: boolean;
  readonly models: readonly ModelInfo[];
}

function providersOf(config: ResolvedConfig): ToldProvider[] {
  return redact(config).providers.map(({ apiKey, headers: _, models: __, ...rest }) => {
    const provider = config.providers.get(rest.id);
    return {
      ...rest,
      key: apiKey,
      hasKey: provider !== undefined && hasKey(provider),
      models: provider?.models ?? [],
    };
  });
}

function hasKey({ apiKey, azure, aws }: Provider): boolean {
  return apiKey !== undefined || azure?.token !== undefined || aws?.keys !== undefined;
}

function usesOf(config: ResolvedConfig, model: ModelInfo): string[] {
  return (["large", "small"] as const).filter((size) => {
    try {
      const found = findModel(config, config.models[size]).model;
      return found.provider === model.provider && found.id === model.id;
    } catch {
      // `turnwire config check` reports a choice that names no model.
      return false;
    }
  });
}

function modelLine(model: ModelInfo, uses: readonly string[]): string {
  const { costPerMillionInput: sent, costPerMillionOutput: received } = model;
  const facts = [
    model.contextWindow === undefined ? undefined : `window ${model.contextWindow}`,
    model.canReason ? "reasons" : undefined,
    model.supportsImages ? "images" : undefined,
    sent === undefined || received === undefined ? undefined : `$${sent}/$${received} per million`,
    uses.length === 0 ? undefined : `the ${uses.join(" and the ")} model`,
  ].filter((fact) => fact !== undefined);
  return `${visibleLine(`${model.provider}/${model.id}`)}  ${facts.join(", ")}`;
}
