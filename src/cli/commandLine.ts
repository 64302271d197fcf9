// What each command does with the process (protocol.md section 11).
import { systemClock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { randomIds } from "../base/ids.js";
import { fromStartFolder, NoStartFolder, type ResolvePath } from "../base/startFolder.js";
import { protocolVersion } from "../protocol/registry.js";
import { defaultDataDirectory } from "../storage/dataDirectory.js";
import type { OwnProcess } from "../storage/knownServers.js";
import type { AcpOptions } from "./acpOptions.js";
import type { AttachOptions } from "./attachOptions.js";
import { daemonActions } from "./daemonActions.js";
import type { DaemonOptions } from "./daemonOptions.js";
import { inspectAction } from "./inspectAction.js";
import {
  createProgram,
  type DoctorCommandOptions,
  type Program,
  type ProgramActions,
} from "./program.js";
import type { RelayCommandIo } from "./relayCommand.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import { isReaderGone, OutputStream } from "./runOutput.js";
import type { ServeOptions } from "./serveOptions.js";
import { stdinKindOf } from "./stdinKind.js";

/**
 * The first of these signals cancels a run and lets it report its end. A second one does not wait.
 */
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What `main.ts` passes in. */
export interface CommandLineParts {
  readonly version: string;
  /** The script that starts Turnwire. */
  readonly launcher: string;
  startServer(options: ServeOptions): Promise<number>;
  startDaemon(options: DaemonOptions): Promise<number>;
  startAttached(options: AttachOptions): Promise<number>;
  startAcp(options: AcpOptions): Promise<number>;
}

/** What `doctor` needs beside its process. */
interface DoctorParts {
  readonly parts: CommandLineParts;
  readonly resolvePath: ResolvePath;
  writeOut(text: string): void;
}

/** The command line over a process. */
export function createCommandLine(self: NodeJS.Process, parts: CommandLineParts): Program {
  const out = new OutputStream(self.stdout, () => {});
  // An unread stderr is no reason to end.
  const errors = new OutputStream(self.stderr, () => {});
  const writeOut = (text: string) => void out.write(text);
  const resolvePath = fromStartFolder(() => self.cwd());
  const { detach, ...ofDaemons } = daemonActions(self, { ...parts, out, errors });
  const program = createProgram(
    {
      serve: (options) => parts.startServer(options),
      attach: (options) => parts.startAttached(options),
      acp: (options) => parts.startAcp(options),
      ...ofDaemons,
      run: (options) => {
        const io = runIo(self, parts, resolvePath);
        return options.detach ? detach(options, io) : runIn(self, options, io);
      },
      schema: async () => (await import("./schemaCommand.js")).schemaCommand(writeOut),
      mcp: async (options) => {
        const { mcpCommand } = await import("./mcpCommand.js");
        return mcpCommand(options, {
          env: self.env,
          platform: self.platform,
          writeOut: (line) => void out.write(`${line}\n`),
          writeError: (line) => void errors.write(`${line}\n`),
          onInterrupt: runIo(self, parts, resolvePath).onInterrupt,
        });
      },
      ...toolsIn(self, { parts, resolvePath, out, errors }),
      ...fleetIn(self, { parts, resolvePath, out, errors }),
      inspect: (options) => inspectAction(self, options, { resolvePath, out, errors }),
      doctor: (options) => doctorIn(self, options, { parts, resolvePath, writeOut }),
    },
    {
      version: parts.version,
      isStdinTty: self.stdin.isTTY === true,
      writeOut,
      writeError: (text) => void errors.write(text),
    },
  );
  return {
    async run(argv) {
      const exitCode = await program.run(argv).catch((error: unknown) => {
        if (!(error instanceof NoStartFolder)) throw error;
        self.stderr.write(`turnwire: ${error.message}\n`);
        return exitCodes.usage;
      });
      // The process ends at once after this, so the output must be written before.
      await Promise.all([out.flushed(), errors.flushed()]);
      const isTold = exitCode === exitCodes.output;
      if (out.failure === undefined || isTold) return exitCode;
      if (!isReaderGone(out.failure)) {
        await errors.write(`turnwire: stdout could not be written: ${out.failure.message}\n`);
      }
      return exitCodes.output;
    },
  };
}

/** What the other commands need beside their process. */
interface ToolParts {
  readonly parts: CommandLineParts;
  readonly resolvePath: ResolvePath;
  readonly out: OutputStream;
  readonly errors: OutputStream;
}

/** The commands that look at what is stored and configured; each loads its code when it is used. */
function toolsIn(
  self: NodeJS.Process,
  { parts, resolvePath, out, errors }: ToolParts,
): Pick<
  ProgramActions,
  "sessions" | "models" | "config" | "permissions" | "completion" | "conformance"
> {
  const writeError = (line: string) => void errors.write(`${line}\n`);
  const writeOut = (line: string) => void out.write(`${line}\n`);
  const ofConfiguration = { env: self.env, resolvePath, writeOut, writeError };
  return {
    sessions: async (options) => {
      const [{ sessionsCommand }, { openTerminal }] = await Promise.all([
        import("./sessionsCommand.js"),
        import("./terminal.js"),
      ]);
      return sessionsCommand(options, {
        ...runIo(self, parts, resolvePath),
        writeOut: (text) => out.write(text),
        writeError,
        openTerminal: () => openTerminal(self.platform),
      });
    },
    models: async (options) =>
      (await import("./modelsCommand.js")).modelsCommand(options, ofConfiguration),
    config: async (options) => {
      const { configCommand } = await import("./configCommand.js");
      return configCommand(options, ofConfiguration);
    },
    permissions: async (options) =>
      (await import("./permissionsCommand.js")).permissionsCommand(options, ofConfiguration),
    conformance: async (options) => {
      const { conformanceCommand } = await import("../conformance/command.js");
      return conformanceCommand(options, {
        env: self.env,
        write: writeOut,
        writeError,
        resolvePath,
      });
    },
    completion: async (options) => {
      const { completionScript } = await import("./completion.js");
      void out.write(completionScript(options));
      return exitCodes.succeeded;
    },
  };
}

async function doctorIn(
  self: NodeJS.Process,
  options: DoctorCommandOptions,
  io: DoctorParts,
): Promise<number> {
  const { parts, resolvePath } = io;
  const write = (line: string) => io.writeOut(`${line}\n`);
  const dataDir =
    options.dataDir === undefined ? defaultDataDirectory(self.env) : resolvePath(options.dataDir);
  if (options.repair) {
    const { repairCommand } = await import("./repair.js");
    return repairCommand(dataDir, write);
  }
  const [{ doctor }, ownProcess] = await Promise.all([
    import("./doctor.js"),
    ownProcessOf(self, parts),
  ]);
  return doctor({
    ownProcess,
    env: self.env,
    workspacePath: folderOrNone(options.cwd, resolvePath),
    dataDir,
    versions: {
      turnwire: parts.version,
      protocol: protocolVersion,
      node: self.versions.node,
      platform: `${self.platform} ${self.arch}`,
    },
    ...defined({ probe: options.probe && { clock: systemClock, ids: randomIds } }),
    ...defined({ json: options.json }),
    write,
  });
}

/** The commands of many machines; each loads its code when it is used. */
function fleetIn(self: NodeJS.Process, parts: ToolParts): Pick<ProgramActions, "relay" | "worker"> {
  return {
    relay: async (options) => {
      const { relayCommand } = await import("./relayCommand.js");
      return relayCommand(options, await relayIo(self, parts));
    },
    worker: async (options) => {
      const { workerCommand } = await import("./workerCommand.js");
      return workerCommand(options, await relayIo(self, parts));
    },
  };
}

async function relayIo(
  self: NodeJS.Process,
  { parts, resolvePath, out, errors }: ToolParts,
): Promise<RelayCommandIo> {
  const [{ LogSink }, ownProcess] = await Promise.all([
    import("../transport/logSink.js"),
    ownProcessOf(self, parts),
  ]);
  return {
    env: self.env,
    clock: systemClock,
    ids: randomIds,
    resolvePath,
    ownProcess,
    logSink: new LogSink(self.stderr),
    writeOut: (line) => void out.write(`${line}\n`),
    writeError: (line) => void errors.write(`${line}\n`),
    onInterrupt: runIo(self, parts, resolvePath).onInterrupt,
  };
}

/** What identifies this process among the servers of a data directory. */
async function ownProcessOf(
  self: NodeJS.Process,
  { version }: CommandLineParts,
): Promise<OwnProcess> {
  const { lifeOf, processNamespace } = await import("../process/processLife.js");
  return { version, processId: self.pid, place: processNamespace(), lifeOf };
}

async function runIn(
  self: NodeJS.Process,
  options: RunCommandOptions,
  io: RunCommandIo,
): Promise<number> {
  const [{ runCommand }, { openTerminal }] = await Promise.all([
    import("./run.js"),
    import("./terminal.js"),
  ]);
  return runCommand(options, { ...io, openTerminal: () => openTerminal(self.platform) });
}

function runIo(
  self: NodeJS.Process,
  { launcher }: CommandLineParts,
  resolvePath: ResolvePath,
): RunCommandIo {
  return {
    stdin: self.stdin,
    stdout: self.stdout,
    stderr: self.stderr,
    stdinKind: stdinKindOf(self.stdin.fd),
    isStderrTty: self.stderr.isTTY === true,
    isStdoutTty: self.stdout.isTTY === true,
    // A terminal that does not tell its size says 0.
    columns: () => self.stderr.columns || self.stdout.columns || 80,
    env: self.env,
    resolvePath,
    serverCommand: { file: self.execPath, args: [launcher, "serve"] },
    onInterrupt(callback) {
      for (const signal of stopSignals) self.on(signal, callback);
      return () => {
        for (const signal of stopSignals) self.off(signal, callback);
      };
    },
  };
}

/** The named folder, else the one in which this was started; undefined if that is gone. */
function folderOrNone(named: string | undefined, resolvePath: ResolvePath): string | undefined {
  if (named !== undefined) return resolvePath(named);
  try {
    return resolvePath(".");
  } catch (error) {
    if (error instanceof NoStartFolder) return undefined;
    throw error;
  }
}
