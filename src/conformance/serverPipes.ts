// A server as the kit sees it: two pipes and an end.
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface ServerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A server that has been started. */
export interface ServerPipes {
  write(bytes: Buffer): void;
  endInput(): void;
  onOutput(listener: (bytes: Buffer) => void): void;
  /** Reads nothing more until {@link resume}. */
  pause(): void;
  resume(): void;
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** The end of what it wrote to stderr. */
  readonly lastWords: string;
  /** Resolves when the process has ended and its output has been read. */
  readonly ended: Promise<ServerEnd>;
}

/** Who answers the prompts. */
export type Model = "offline" | "provider";

/** Which command starts it, and on which data directory. */
export interface LaunchOptions {
  readonly dataDir: string;
  /** Which model answers: the server's offline one, or that of the kit's provider. */
  readonly model: Model;
  readonly command: "first" | "restart" | "second";
}

/** Starts a server. */
export type Launch = (options: LaunchOptions) => ServerPipes;

/** Commands, each a program with its arguments, in which `{dataDir}`, `{configDir}` and `{providerUrl}` are replaced. */
export interface Commands {
  readonly first: readonly string[];
  readonly restart?: readonly string[] | undefined;
  readonly second?: readonly string[] | undefined;
  /** The folder of the configuration for each model. */
  readonly configDirs: Readonly<Record<Model, string>>;
  readonly providerUrl: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A launch that starts the commands as child processes. */
export function launchCommands(commands: Commands): Launch {
  return ({ dataDir, command, model }) => {
    const configDir = commands.configDirs[model];
    const words = commands[command] ?? commands.first;
    const [file = "", ...args] = words.map((word) =>
      word
        .replaceAll("{dataDir}", dataDir)
        .replaceAll("{configDir}", configDir)
        .replaceAll("{providerUrl}", commands.providerUrl),
    );
    const env = {
      ...commands.env,
      HOME: dataDir,
      XDG_STATE_HOME: dataDir,
      XDG_CONFIG_HOME: configDir,
      TURNWIRE_CONFIG: `${configDir}/config.json`,
      TURNWIRE_CONFORMANCE_PROVIDER: commands.providerUrl,
    };
    return startServer(file, args, env);
  };
}

function startServer(file: string, args: readonly string[], env: NodeJS.ProcessEnv): ServerPipes {
  const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  let lastWords = "";
  // A server that could not be started has no end of its own: this is it.
  child.on("error", (error) => {
    lastWords += error.message;
  });
  // What a server that has ended does not take is told by its end.
  child.stdin.on("error", () => {});
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-4000);
  });
  const ended = once(child, "close").then(
    ([code, signal]) => ({ code, signal }) as ServerEnd,
    () => ({ code: 127, signal: null }),
  );
  return {
    write: (bytes) => void child.stdin.write(bytes),
    endInput: () => child.stdin.end(),
    onOutput: (listener) => void child.stdout.on("data", listener),
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    signal: (name) => void child.kill(name),
    get lastWords() {
      return lastWords;
    },
    ended,
  };
}
