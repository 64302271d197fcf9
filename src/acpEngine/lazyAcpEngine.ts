import type { Engine } from "../engine/engine.js";
import type { EngineWorkspace } from "../engine/setup.js";
import type { AcpEngineOptions } from "./acpEngine.js";
import { optionProblem } from "./optionProblem.js";

/** An engine of another agent's program, whose code is loaded with its first turn. */
export function lazyAcpEngine(workspace: EngineWorkspace, options: AcpEngineOptions): Engine {
  let loaded: Promise<Engine> | undefined;
  const load = () => {
    loaded ??= import("./acpEngine.js").then(({ createAcpEngine }) =>
      createAcpEngine(workspace, options),
    );
    return loaded;
  };
  return {
    prepare: async (setup, signal) => (await load()).prepare(setup, signal),
    commands: async (...args) => (await (await load()).commands?.(...args)) ?? [],
    tools: async () => [],
    optionProblem: (asked) => optionProblem(workspace.engine, asked),
    setSessionServers: async (...given) => (await load()).setSessionServers?.(...given),
    permissionsChanged: () => {
      // Nothing is asked before the code is loaded. A failure to load is told by the turn.
      loaded?.then(
        (engine) => engine.permissionsChanged?.(),
        () => {},
      );
    },
    forgetSession: async (sessionId) => {
      if (loaded !== undefined) await (await loaded).forgetSession(sessionId);
    },
    dispose: async () => {
      if (loaded !== undefined) await (await loaded).dispose();
    },
  };
}
