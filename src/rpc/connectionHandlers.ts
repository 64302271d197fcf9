// The methods that a connection itself answers, or whose answers wait for earlier messages (protocol.md
// sections 2, 3 and 12).
import type { Backend } from "../backend/backend.js";
import { DomainError } from "../base/errors.js";
import type { Result } from "../protocol/registry.js";
import type { OwnTools } from "./clientTools.js";
import type { ConnectionDelivery } from "./deliveryHub.js";
import type { ConnectionHandlers } from "./handlers.js";
import type { Handshake } from "./handshake.js";
import type { QuestionDesk } from "./questionDesk.js";

/** A daemon, as its clients ask it about itself. */
export interface DaemonControl {
  status(): Result<"daemonStatus">;
  /** Resolves once its socket and its lock are free. */
  stop(drain: boolean): Promise<void>;
}

/** What these methods need of the server. */
export interface HandlerParts {
  readonly backend: Backend;
  /**
   * The client asks for the end; resolves once the completions that come of it are on disk, with the
   * `runId`s of the runs that the next server goes on with.
   */
  shutdown(): Promise<readonly string[]>;
  /** Resolves when an answer has waited long enough for completions to be written before it. */
  patience(): Promise<void>;
  readonly desk: QuestionDesk;
  /** The daemon that the server is; undefined if it is none. */
  readonly daemon?: DaemonControl;
}

/** What they need of their connection. */
export interface OwnParts {
  readonly handshake: Handshake;
  readonly delivery: ConnectionDelivery;
  readonly tools: OwnTools;
}

/**
 * Answers the methods of the connection itself. The end of a run is written before the answer to
 * the request that caused it.
 */
export function connectionHandlers(
  { backend, desk, shutdown, patience, daemon }: HandlerParts,
  { handshake, delivery, tools }: OwnParts,
  onShutdown: () => void,
): ConnectionHandlers {
  const first = (told: Promise<void>) => Promise.race([told, patience()]);
  return {
    initialize: (params) => handshake.initialize(params),
    setTools: (params) => {
      tools.set(params.tools);
      return {};
    },
    listTools: async (params, caller) => {
      const ofClient = tools.offered(caller.clientId).map(({ readOnly = false, ...tool }) => ({
        ...tool,
        readOnly,
        source: "client",
      }));
      return { tools: [...(await backend.agents.listTools(params, caller)), ...ofClient] };
    },
    listPermissions: (params, caller) => desk.list(params, caller.clientId),
    answerPermission: (params, caller) => desk.answer(params, caller.clientId),
    daemonStatus: () => ofDaemon("daemonStatus", daemon).status(),
    stopDaemon: async ({ drain = false }) => {
      await ofDaemon("stopDaemon", daemon).stop(drain);
      return {};
    },
    shutdown: async () => {
      onShutdown();
      const parked = await shutdown();
      await first(delivery.drained());
      return parked.length === 0 ? {} : { parked: [...parked] };
    },
    deleteWorkspace: async (params, caller) => {
      const answer = await backend.deleteWorkspace(params, caller);
      await first(delivery.completionsWritten());
      return answer;
    },
  };
}

function ofDaemon(method: string, daemon: DaemonControl | undefined): DaemonControl {
  if (daemon !== undefined) return daemon;
  throw new DomainError("MethodNotFound", "Method not found", { data: { method } });
}
