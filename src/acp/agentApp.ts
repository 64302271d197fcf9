// ACP's methods on the sessions of one editor (protocol.md section 14). Each handler is as short as
// its use case lets it be; the SDK checks what comes in.
import {
  type AgentApp,
  type AgentContext,
  agent,
  type InitializeRequest,
  type InitializeResponse,
  RequestError,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import * as z from "zod";
import { defined } from "../base/defined.js";
import type { AcpSessions } from "./acpSessions.js";
import { protocolVersion } from "./anyVersion.js";
import { commandsUpdate } from "./commands.js";
import { modeOf, optionIds } from "./sessionChoices.js";
import { traceMembers } from "./traceMembers.js";
import { failure, metaKey, refused } from "./turnEnd.js";
import { RefusedRequest } from "./turnwireConnection.js";

/** The most prompts of an editor that wait for their answers. */
const mostPrompts = 500;

/** Makes the agent that an editor speaks to. */
export function createAgentApp(
  sessions: AcpSessions,
  about: { readonly name: string; readonly version: string },
  soon: (run: () => void) => void,
): AgentApp {
  let metaOfAll: InitializeRequest["_meta"];
  const app = agent({ name: about.name })
    .onRequest("initialize", ({ params, client }) => {
      metaOfAll = params._meta;
      return greet(sessions, params, client, about);
    })
    // Keys come from the configuration and the environment; there is nothing to log in to.
    .onRequest("authenticate", () => ({}))
    .onRequest("session/new", async ({ params }) => {
      const session = await told(sessions.create(params.cwd, params.mcpServers));
      // An editor does not know the session before the answer.
      soon(() => void tellCommands(session));
      return { sessionId: session.id, ...shown(session) };
    })
    .onRequest("session/load", async ({ params, requestId }) =>
      shown(await told(sessions.reopen(requestId, params, true))),
    )
    .onRequest("session/resume", async ({ params, requestId }) =>
      shown(await told(sessions.reopen(requestId, params, false))),
    )
    .onRequest("session/list", ({ params }) =>
      told(sessions.list(params.cwd ?? undefined, params.cursor ?? undefined)),
    )
    .onRequest("session/delete", async ({ params }) => {
      await told(sessions.delete(params.sessionId));
      return {};
    })
    .onRequest("session/close", async ({ params }) => {
      await told(sessions.close(params.sessionId));
      return {};
    })
    .onRequest("session/prompt", ({ params, requestId, signal }) => {
      // The stream is not read on while too many requests are unanswered. A prompt may wait for an answer
      // of the editor's own, which must be read: so prompts alone never reach that bound.
      const open = sessions.all.reduce((sum, { turns }) => sum + turns.count, 0);
      if (open >= mostPrompts)
        throw failure(`More than ${mostPrompts} prompts wait for their turns.`);
      const trace = traceMembers(params._meta, metaOfAll);
      return sessions.get(params.sessionId).prompt(requestId, params.prompt, signal, trace);
    })
    .onNotification("session/cancel", ({ params }) => sessions.find(params.sessionId)?.cancel());
  return withChoices(app, sessions);
}

type Opened = Awaited<ReturnType<AcpSessions["create"]>>;

/** What is told of a session that was opened. */
function shown(session: Opened) {
  const { choices } = session.standing;
  return { modes: choices.modeState(), configOptions: choices.options() };
}

async function tellCommands(session: Opened): Promise<void> {
  let update: SessionUpdate;
  try {
    update = await commandsUpdate(session);
  } catch (error) {
    // The session may be closed by now, or its tool servers broken: it works without commands.
    if (error instanceof RefusedRequest || error instanceof RequestError) return;
    throw error;
  }
  // Writing fails only where the editor is gone. Who serves it hears of that.
  await session.send(update).catch(() => {});
}

/** The methods with which a person chooses, and Turnwire's own. */
function withChoices(app: AgentApp, sessions: AcpSessions): AgentApp {
  const setModel = z.object({ sessionId: z.string(), modelId: z.string() });
  const pending = z.object({ sessionId: z.string(), cursor: z.string().optional() });
  const acknowledged = z.object({ sessionId: z.string(), completionIds: z.array(z.string()) });
  return (
    app
      .onRequest("session/set_mode", async ({ params }) => {
        await setMode(sessions.get(params.sessionId), params.modeId);
        return {};
      })
      .onRequest("session/set_config_option", async ({ params }) => {
        const session = sessions.get(params.sessionId);
        const { choices } = session.standing;
        const value = String(params.value);
        if (params.configId === optionIds.mode) await setMode(session, value);
        else if (params.configId === optionIds.model) choices.chooseModel(value);
        else if (params.configId === optionIds.thinking) choices.chooseThinking(value);
        else throw RequestError.invalidParams(undefined, `There is no option "${params.configId}"`);
        return { configOptions: choices.options() };
      })
      // Editors of before the options still send it.
      .onRequest("session/set_model", setModel.parse, ({ params }) => {
        sessions.get(params.sessionId).standing.choices.chooseModel(params.modelId);
        return {};
      })
      .onRequest("_turnwire/pending_completions", pending.parse, ({ params }) => {
        const { connection, workspaceId } = sessions.get(params.sessionId).standing;
        const { sessionId, cursor } = params;
        const asked = { workspaceId, sessionId, ...defined({ cursor }) };
        return told(connection.request("listPendingCompletions", asked));
      })
      .onRequest("_turnwire/acknowledge", acknowledged.parse, ({ params }) => {
        const { connection } = sessions.get(params.sessionId).standing;
        return told(connection.request("acknowledge", { completionIds: params.completionIds }));
      })
  );
}

async function setMode(session: Opened, modeId: unknown): Promise<void> {
  const mode = modeOf(modeId);
  const { connection, workspaceId, choices } = session.standing;
  await told(connection.request("setPermissionMode", { workspaceId, mode }));
  choices.mode = mode;
}

function greet(
  sessions: AcpSessions,
  { clientCapabilities }: InitializeRequest,
  client: AgentContext,
  agentInfo: { readonly name: string; readonly version: string },
): InitializeResponse {
  sessions.greet(client, clientCapabilities ?? {});
  return {
    protocolVersion,
    agentInfo: { ...agentInfo, title: "Turnwire" },
    authMethods: [],
    agentCapabilities: {
      loadSession: true,
      // What is absent is not offered. Emacs takes `false` for a kind of yes.
      promptCapabilities: { image: true, embeddedContext: true },
      mcpCapabilities: { http: true },
      sessionCapabilities: { list: {}, delete: {}, resume: {}, close: {} },
      _meta: {
        [metaKey]: { methods: ["_turnwire/pending_completions", "_turnwire/acknowledge"] },
      },
    },
  };
}

/** A refusal of the server, as an editor can show it. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof RefusedRequest ? refused(error) : error;
  }
}
