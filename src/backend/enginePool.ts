// The engines of one workspace: one for each environment that a client has given, and for each way in
// which the folder's files are trusted. Nearly always there is only one.
import { Closing } from "../base/closing.js";
import type { ConfigSource } from "../config/source.js";
import type { Engine } from "../engine/engine.js";

type Env = Readonly<Record<string, string>>;

/** An engine, and the configuration that it runs with. */
export interface Equipment {
  readonly engine: Engine;
  readonly source: ConfigSource;
}

/** Makes and keeps the engines of one workspace. */
export class EnginePool {
  readonly #make: (trusted: boolean, env: Env) => Equipment;
  /** By environment, then by trust. */
  readonly #known = new Map<string, Map<boolean, Equipment>>();

  constructor(make: (trusted: boolean, env: Env) => Equipment) {
    this.#make = make;
  }

  /** The engine for an environment; made when it is asked for the first time. */
  of(trusted: boolean, env: Env): Equipment {
    const key = keyOf(env);
    const ofEnv = this.#known.get(key) ?? new Map<boolean, Equipment>();
    this.#known.set(key, ofEnv);
    const found = ofEnv.get(trusted) ?? this.#make(trusted, env);
    ofEnv.set(trusted, found);
    return found;
  }

  /** Forgets what every engine keeps for a session, and what earlier servers have left of it. */
  async forgetSession(sessionId: string): Promise<void> {
    if (this.#known.size === 0) this.of(false, {});
    for (const { engine } of this.#all()) await engine.forgetSession(sessionId);
  }

  /** Ends the engines of environments that no client has any more. No turn may run. */
  async keepOnly(envs: readonly Env[]): Promise<void> {
    const used = new Set(envs.map(keyOf));
    const unused = [...this.#known].filter(([key]) => !used.has(key));
    for (const [key] of unused) this.#known.delete(key);
    await dispose(unused.flatMap(([, ofEnv]) => [...ofEnv.values()]));
  }

  /** Ends all of them. */
  async dispose(): Promise<void> {
    await dispose(this.#all());
  }

  #all(): Equipment[] {
    return [...this.#known.values()].flatMap((ofEnv) => [...ofEnv.values()]);
  }
}

async function dispose(all: readonly Equipment[]): Promise<void> {
  const closing = new Closing();
  for (const { engine } of all) closing.add(() => engine.dispose());
  await closing.close();
}

function keyOf(env: Env): string {
  return JSON.stringify(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)));
}
