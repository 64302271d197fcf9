/**
 * Remembers what a connection has set up in its server, to set it up again in the next one. A
 * workspace keeps its id, but every server must be told to open it.
 */
import { type MethodName, methods, type ParamsInput } from "../protocol/registry.js";
import { ConnectionLostError } from "./errors.js";

interface OpenWorkspace {
  create: ParamsInput<"createWorkspace">;
  hasAgent: boolean;
  readonly models: Map<string, ParamsInput<"setModel">>;
  permissionMode?: ParamsInput<"setPermissionMode">;
}

/** Sends one of the requests that set a workspace up. */
export interface Setup {
  createWorkspace(params: ParamsInput<"createWorkspace">): Promise<unknown>;
  initAgent(params: ParamsInput<"initAgent">): Promise<unknown>;
  setModel(params: ParamsInput<"setModel">): Promise<unknown>;
  setPermissionMode(params: ParamsInput<"setPermissionMode">): Promise<unknown>;
}

export class OpenWorkspaces {
  readonly #byId = new Map<string, OpenWorkspace>();

  /** Takes in a request that the server has answered with a result. */
  note(method: MethodName, params: unknown, result: unknown): void {
    switch (method) {
      case "createWorkspace":
        this.#noteCreated(methods.createWorkspace.params().parse(params), result);
        break;
      case "deleteWorkspace":
        this.#byId.delete(methods.deleteWorkspace.params().parse(params).workspaceId);
        break;
      case "initAgent":
        this.#change(methods.initAgent.params().parse(params), (workspace) => {
          workspace.hasAgent = true;
        });
        break;
      case "setModel": {
        const choice = methods.setModel.params().parse(params);
        this.#change(choice, ({ models }) => models.set(choice.modelType, choice));
        break;
      }
      case "setPermissionMode": {
        const mode = methods.setPermissionMode.params().parse(params);
        this.#change(mode, (workspace) => {
          workspace.permissionMode = mode;
        });
        break;
      }
      case "updateAgent":
        // This reads the configuration again, and drops the chosen models.
        this.#change(methods.updateAgent.params().parse(params), ({ models }) => models.clear());
        break;
    }
  }

  /**
   * Sets everything up again. `reportError` gets the refusals of the new server. Rejects with a
   * `ConnectionLostError` if the new server is lost as well.
   */
  async restore(setup: Setup, reportError: (error: unknown) => void): Promise<void> {
    for (const [workspaceId, workspace] of this.#byId) {
      try {
        await setup.createWorkspace(workspace.create);
        if (workspace.hasAgent) await setup.initAgent({ workspaceId });
        for (const choice of workspace.models.values()) await setup.setModel(choice);
        if (workspace.permissionMode) await setup.setPermissionMode(workspace.permissionMode);
      } catch (error) {
        if (error instanceof ConnectionLostError) throw error;
        reportError(error);
      }
    }
  }

  #noteCreated({ initAgent, ...create }: ParamsInput<"createWorkspace">, result: unknown): void {
    if (!hasId(result)) return;
    const { id } = result;
    const known = this.#byId.get(id);
    // The options of the first `createWorkspace` stay valid.
    if (known === undefined) {
      this.#byId.set(id, { create, hasAgent: initAgent === true, models: new Map() });
    } else if (initAgent) known.hasAgent = true;
  }

  #change(
    { workspaceId }: { workspaceId: string },
    change: (workspace: OpenWorkspace) => void,
  ): void {
    const workspace = this.#byId.get(workspaceId);
    if (workspace !== undefined) change(workspace);
  }
}

function hasId(result: unknown): result is { readonly id: string } {
  return (
    typeof result === "object" && result !== null && "id" in result && typeof result.id === "string"
  );
}
