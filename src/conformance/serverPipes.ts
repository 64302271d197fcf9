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

/** Which command starts it, and on which data directory. */
export interface LaunchOptions {
  readonly dataDir: string;
  readonly command: "first" | "restart" | "second";
}

/** Starts a server. */
export type Launch = (options: LaunchOptions) => ServerPipes;

/** Commands, each a program with its arguments, in which `{dataDir}` and `{configDir}` are replaced. */
export interface Commands {
  readonly first: readonly string[];
  readonly restart?: readonly string[] | undefined;
  readonly second?: readonly string[] | undefined;
  readonly configDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A launch that starts the commands as child processes. */
export function launchCommands(commands: Commands): Launch {
  return ({ dataDir, command }) => {
    const words = commands[command] ?? commands.first;
    const [file = "", ...args] = words.map((word) =>
      word.replaceAll("{dataDir}", dataDir).replaceAll("{configDir}", commands.configDir),
    );
    const env = {
      ...commands.env,
      HOME: dataDir,
      XDG_STATE_HOME: dataDir,
      XDG_CONFIG_HOME: commands.configDir,
      TURNWIRE_CONFIG: `${commands.configDir}/config.json`,
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
