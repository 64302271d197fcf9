// `turnwire conformance`: which servers to start, what to check, and what to print.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../base/defined.js";
import { writeConfigDirs } from "./configDirs.js";
import type { Framing } from "./frames.js";
import {
  countsOf,
  requirementJson,
  requirementText,
  resultsJson,
  resultsJunit,
  resultText,
} from "./report.js";
import { requirements } from "./requirements.js";
import { type CheckResult, runChecks } from "./runChecks.js";
import { ScriptedProvider } from "./scriptedProvider.js";
import { launchCommands, type Model } from "./serverPipes.js";

/** What the command line asks for. */
export interface ConformanceOptions {
  /** The server's program with its arguments. */
  readonly command: readonly string[];
  readonly framing: Framing | "both";
  /** A regular expression over ids; whoever starts the kit writes it. */
  readonly filter?: string;
  readonly list?: true;
  readonly json?: true;
  /** Where the results go as JUnit's XML. */
  readonly junit?: string;
  /** Commands as one text each, words set apart by blanks. */
  readonly restartCommand?: string;
  readonly secondCommand?: string;
  /** Who answers the prompts: the offline model, unless the server says that it has none. */
  readonly model?: Model;
  /** The folder with the server's own configuration, which is copied; an empty one unless told. */
  readonly configDir?: string;
  /** How many seconds the server may take for anything; 15 unless told. */
  readonly patience?: number;
}

export interface ConformanceIo {
  readonly env: NodeJS.ProcessEnv;
  write(line: string): void;
  writeError(line: string): void;
  resolvePath(path: string): string;
}

/** Checks a server; resolves with the exit code: 0 where nothing failed, 1, or 2 for bad usage. */
export async function conformanceCommand(
  options: ConformanceOptions,
  io: ConformanceIo,
): Promise<number> {
  const filter = filterOf(options.filter);
  if (filter === undefined) {
    io.writeError(`turnwire: --filter ${options.filter} is no regular expression`);
    return 2;
  }
  const chosen = requirements.filter(({ id }) => filter.test(id));
  if (options.list) {
    if (options.json) io.write(JSON.stringify(chosen.map(requirementJson)));
    else for (const requirement of chosen) io.write(requirementText(requirement));
    return 0;
  }
  if (options.command.length === 0 || chosen.length === 0) {
    const what = chosen.length === 0 ? "no requirement fits --filter" : "no command after --";
    io.writeError(`turnwire: ${what}`);
    return 2;
  }
  const results = await checkAll(options, io, chosen);
  return report(options, io, results);
}

function filterOf(source = ""): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}

async function checkAll(
  options: ConformanceOptions,
  io: ConformanceIo,
  chosen: typeof requirements,
): Promise<readonly CheckResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "turnwire-conformance-config-"));
  const provider = await ScriptedProvider.start();
  const framings: readonly Framing[] =
    options.framing === "both" ? ["ndjson", "header"] : [options.framing];
  const results: CheckResult[] = [];
  try {
    const from = options.configDir === undefined ? undefined : io.resolvePath(options.configDir);
    const launch = launchCommands({
      first: options.command,
      restart: words(options.restartCommand),
      second: words(options.secondCommand),
      configDirs: await writeConfigDirs(folder, provider.url, from),
      providerUrl: provider.url,
      env: io.env,
    });
    for (const framing of framings) {
      const checked = await runChecks({
        requirements: chosen,
        framing,
        launch,
        provider,
        hasSecondCommand: options.secondCommand !== undefined,
        ...defined({
          model: options.model,
          patienceMs: options.patience && options.patience * 1000,
        }),
        onResult: (result) => options.json || io.write(resultText(result)),
      });
      results.push(...checked);
    }
  } finally {
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

function words(command: string | undefined): readonly string[] | undefined {
  return command?.split(" ").filter((word) => word !== "");
}

async function report(
  options: ConformanceOptions,
  io: ConformanceIo,
  results: readonly CheckResult[],
): Promise<number> {
  const { passed, failed } = countsOf(results);
  if (options.junit !== undefined) {
    await writeFile(io.resolvePath(options.junit), resultsJunit(results));
  }
  // With --json stdout is one object, and the last line is for the person who looks on.
  if (options.json) io.write(JSON.stringify(resultsJson(results)));
  const last = `${passed} passed, ${failed} failed`;
  if (options.json) io.writeError(last);
  else io.write(last);
  return failed === 0 ? 0 : 1;
}
