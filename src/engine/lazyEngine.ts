// The engine of a workspace, loaded after the start, so that `initialize` is answered fast.
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { BuiltInEngineOptions } from "./builtInEngine.js";
import type { Engine } from "./engine.js";
import type { EngineWorkspace } from "./setup.js";

/** An engine whose code is loaded when it is warmed up, or with its first turn. */
export function lazyEngine(workspace: EngineWorkspace, options: BuiltInEngineOptions): Engine {
  const { clock, log } = options;
  let loaded: Promise<Engine> | undefined;
  const load = () => {
    loaded ??= import("./builtInEngine.js").then(({ createBuiltInEngine }) =>
      createBuiltInEngine(workspace, options),
    );
    return loaded;
  };
  // All that an engine may have is handed on: what is left out here would be missing without a word.
  const engine: Required<Engine> = {
    prepare: async (setup, signal) => (await load()).prepare(setup, signal),
    permissionsChanged: () => {
      // Nothing is asked before the code is loaded. A failure to load is told by the turn.
      loaded?.then(
        (present) => present.permissionsChanged?.(),
        () => {},
      );
    },
    warmUp: (setup) => inBackground(clock, log, async () => (await load()).warmUp?.(setup)),
    sandbox: async (config) =>
      (await (await load()).sandbox?.(config)) ?? { requested: "off", enforced: false },
    tools: async (...args) => (await (await load()).tools?.(...args)) ?? [],
    commands: async (...args) => (await (await load()).commands?.(...args)) ?? [],
    // It can follow every option.
    optionProblem: () => undefined,
    outputProblem: async (schema, signal) => (await load()).outputProblem?.(schema, signal),
    setSessionServers: async (sessionId, servers) =>
      (await load()).setSessionServers?.(sessionId, servers),
    forgetSession: async (sessionId) => {
      // Outputs of an earlier server may be on disk for it.
      await (await load()).forgetSession(sessionId);
    },
    dispose: async () => {
      if (loaded !== undefined) await (await loaded).dispose();
    },
  };
  return engine;
}

/**
 * Begins to load the code of engines, after the present answers were written. `others` loads what else the
 * first turn needs.
 */
export function preloadEngine(clock: Clock, log: Log, others: () => Promise<unknown>): void {
  inBackground(clock, log, () => Promise.all([others(), import("./builtInEngine.js")]));
}

/** A failure here happens again when a turn needs the code, and is reported then. */
function inBackground(clock: Clock, log: Log, work: () => Promise<unknown>): void {
  clock.soon(() => {
    work().catch((error: unknown) => {
      log.debug({ reason: messageOf(error) }, "the engine could not be loaded ahead");
    });
  });
}
