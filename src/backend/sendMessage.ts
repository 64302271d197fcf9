// `sendMessage` (protocol.md section 4, Sending a prompt): the checks in their order, and then the run.
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { telemetry } from "../base/telemetry.js";
import type { ResolvedConfig } from "../config/types.js";
import {
  type RequestedOptions,
  requestedOptions,
  storedOptions,
  usuallyWhenBusy,
} from "../coordinator/runOptions.js";
import { runState } from "../coordinator/runState.js";
import type { PromptAttachment } from "../engine/engine.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { Params, Result } from "../protocol/registry.js";
import type { SessionRow } from "../storage/sessionStore.js";
import { termsOf } from "./acceptedTerms.js";
import { acceptFor } from "./acceptFor.js";
import { checkImages, isText, namedAttachments, readAttachments } from "./attachments.js";
import type { Caller } from "./caller.js";
import {
  checkContents,
  checkModel,
  invalidParam,
  type NamedOptions,
  needConfig,
  outputProblem,
  refuseForEngine,
  refuseOutput,
} from "./checkedOptions.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import type { RunUseCases } from "./runUseCases.js";
import type { SessionUseCases } from "./sessionUseCases.js";
import { withinLimits } from "./withinLimits.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** What `sendMessage` is built from. */
export interface SendMessageParts {
  readonly workspaces: WorkspaceRegistry;
  readonly sessions: SessionUseCases;
  readonly runs: RunUseCases;
}

/** The values that had to be waited for before the checks. */
interface LookedAhead {
  readonly config?: ResolvedConfig;
  /** The problem of `outputSchema`. */
  readonly problem?: string | undefined;
}

type SendParams = Params<"sendMessage">;

/** Accepts prompts. */
export class SendMessage {
  readonly #parts: SendMessageParts;

  constructor(parts: SendMessageParts) {
    this.#parts = parts;
  }

  /**
   * Accepts a prompt. Throws the domain errors that `sendMessage` declares. First it reads the files that
   * the checks need. Then all checks, and joining the next commit, are one synchronous step.
   */
  async send(params: SendParams, caller: Caller): Promise<Result<"sendMessage">> {
    const { workspaces, sessions, runs } = this.#parts;
    let ahead: LookedAhead = {};
    let row = sessions.known(params);
    if (this.#needsLook(params, caller, row)) {
      ahead = await this.#lookAhead(params, caller);
      caller.signal.throwIfAborted();
      // It may have changed meanwhile.
      row = undefined;
    }
    const workspace = workspaces.get(params.workspaceId);
    refuseIfNotReady(workspace, caller);
    const isRepeated = runs.isKnown(params.workspaceId, params.runId);
    const read = isRepeated ? undefined : refuseIfEmpty(params, workspace.path);
    const session = row ?? sessions.find(workspace, params.sessionId);
    if (!isRepeated) workspace.refuseIfClosing();
    const options = requestedOptions(
      params.runId,
      params.options ?? {},
      storedOptions(session.defaults),
    );
    const given = params.attachments ?? [];
    const attachments = isRepeated
      ? namedAttachments(given)
      : (read ?? readAttachments(given, workspace.path));
    if (!isRepeated) checkAll(attachments, options, ahead, engineOf(workspace, caller));
    const bounded = withinLimits(options, workspace.of(caller).agent.limits);
    const goesOn = options.effective.onServerLoss === "continue";
    if (goesOn && !isRepeated) refuseWithoutIdentity(params, caller);
    const held = termsOf(workspace, caller, options.effective, ahead.config);
    const { runId, sessionId } = params;
    const accepted = await acceptFor(caller, workspace.coordinator, {
      sessionId,
      runId,
      clientId: caller.clientId,
      ...defined({
        permissionSeconds: caller.permissionSeconds,
        parent: telemetry()?.parentOf(params, caller.trace ?? {}),
      }),
      kind: "prompt",
      prompt: { text: params.prompt, attachments },
      options: bounded,
      terms: goesOn ? held : undefined,
      held,
      whenBusy: options.effective.whenBusy ?? usuallyWhenBusy(runId, {}),
    });
    const id = runId === undefined ? {} : { runId };
    if (!accepted.isDuplicate) return { ...id, state: "accepted" };
    return { ...id, state: runState(accepted.row), duplicate: true };
  }

  /** Whether there is something to check that cannot be checked at once. Throws nothing. */
  #needsLook(params: SendParams, caller: Caller, row: SessionRow | undefined): boolean {
    const { workspaces, runs } = this.#parts;
    const workspace = workspaces.known(params.workspaceId);
    if (workspace?.of(caller).agent.isReady !== true) return false;
    const { options = {} } = params;
    const isAsked = needConfig(options) || options.outputSchema !== undefined;
    if (!isAsked && !needConfig(storedOptions(row?.defaults))) return false;
    return !runs.isKnown(params.workspaceId, params.runId);
  }

  /** If the configuration has a mistake, the run will report it. */
  async #lookAhead({ workspaceId, options }: SendParams, caller: Caller): Promise<LookedAhead> {
    const { agent, engine } = this.#parts.workspaces.get(workspaceId).of(caller);
    const problem = await outputProblem(options ?? {}, engine(), caller.signal);
    try {
      return { problem, config: await agent.configuration() };
    } catch (error) {
      if (error instanceof DomainError) return { problem };
      throw error;
    }
  }
}

/**
 * Refuses an empty prompt. Returns its attachments if they had to be read for that.
 *
 * @throws DomainError `EmptyPrompt`
 */
function refuseIfEmpty(params: SendParams, path: string): PromptAttachment[] | undefined {
  if (params.prompt.trim() !== "") return undefined;
  const given = params.attachments ?? [];
  if (given.length === 0) throw emptyPrompt();
  let read: PromptAttachment[];
  try {
    read = readAttachments(given, path);
  } catch (error) {
    // Their mistakes are reported by a later check.
    if (error instanceof DomainError) return undefined;
    throw error;
  }
  if (!read.some(isText)) throw emptyPrompt();
  return read;
}

/** @throws DomainError `InvalidParams`, then `ModelNotConfigured` */
function checkAll(
  attachments: readonly PromptAttachment[],
  options: RequestedOptions,
  { config, problem }: LookedAhead,
  engine: ReturnType<typeof engineOf>,
): void {
  checkImages(attachments);
  const named = namedOptions(options);
  for (const one of named) {
    checkContents(one, config);
    refuseForEngine(one, engine);
  }
  refuseOutput("options", problem);
  for (const one of named) checkModel(one, engine.name, config);
}

/** The engine of a run, and its name. */
function engineOf(workspace: OpenWorkspace, caller: Caller) {
  const { engine: name } = workspace;
  return {
    name,
    optionProblem: (options: RunOptions) => workspace.of(caller).engine().optionProblem?.(options),
  };
}

/** The options that were sent, and the defaults of the session that hold too. */
function namedOptions({ sent, effective }: RequestedOptions): NamedOptions[] {
  const rest = Object.entries(effective).filter(([name]) => !Object.hasOwn(sent, name));
  return [
    { name: "options", options: sent },
    { name: "defaults", options: Object.fromEntries(rest) as RunOptions },
  ];
}

/** @throws DomainError `InvalidParams` where a run could not go on after the loss of its server. */
function refuseWithoutIdentity({ runId, options }: SendParams, { hasIdentity }: Caller): void {
  if (runId !== undefined && hasIdentity === true) return;
  const name = options?.onServerLoss === undefined ? "defaults" : "options";
  const missing = runId === undefined ? "a `runId`" : "a `clientId` in `initialize`";
  throw invalidParam(`${name}.onServerLoss`, `\`continue\` needs ${missing}`);
}

/** @throws DomainError `AgentNotInitialized` */
export function refuseIfNotReady(workspace: OpenWorkspace, caller: Caller): void {
  if (workspace.of(caller).agent.isReady) return;
  throw new DomainError(
    "AgentNotInitialized",
    "The agent of this workspace is not ready; call initAgent first.",
  );
}

function emptyPrompt(): DomainError {
  return new DomainError("EmptyPrompt", "`prompt` is empty; write something or attach a text.");
}
