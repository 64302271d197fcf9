// Tells whether a daemon was started with another configuration or other keys than a client has, without
// telling either (protocol.md section 2, The daemon).
import { createHmac, randomBytes } from "node:crypto";
import { settingsVariable } from "../base/configFiles.js";
import { keyVariables } from "../config/defaults.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Digests of variables that a daemon's configuration depends on. */
export interface EnvironmentDigests {
  readonly salt: string;
  readonly digests: Record<string, string>;
}

const names = ["TURNWIRE_CONFIG", settingsVariable, "XDG_CONFIG_HOME", ...keyVariables];

/** The digests of the variables that are set, with a new salt each time. */
export function environmentDigests(env: Environment): EnvironmentDigests {
  const salt = randomBytes(16).toString("hex");
  return { salt, digests: digestsOf(env, salt) };
}

/** The variables whose values differ from those that a daemon has told of. */
export function differingVariables(env: Environment, told: EnvironmentDigests): string[] {
  const own = digestsOf(env, told.salt);
  return names.filter((name) => own[name] !== told.digests[name]);
}

function digestsOf(env: Environment, salt: string): Record<string, string> {
  const set = names.flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, digest(salt, value)] as const];
  });
  return Object.fromEntries(set);
}

function digest(salt: string, value: string): string {
  return createHmac("sha256", salt).update(value).digest("hex").slice(0, 16);
}
