// The requests of a turn to the client that sent its prompt: permissions, input for tool servers, calls of
// the client's own tools, and the files of its editor (protocol.md section 7).

import { canonicalJson } from "../base/canonicalJson.js";
import { defined } from "../base/defined.js";
import { QuestionDecided } from "../base/questionDecided.js";
import type { TurnRequest } from "../engine/engine.js";
import type { PermissionAnswer, PermissionQuestion, ToolQuestion } from "../protocol/registry.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";

type Options = Pick<
  CoordinatorOptions,
  "workspaceId" | "serverId" | "ids" | "runs" | "desk" | "clientTools" | "clientFiles" | "announcer"
>;

/** The part of a turn's request through which it reaches its client. */
export function turnClient(
  run: Pick<
    AcceptedRun,
    "request" | "ref" | "epoch" | "goesOn" | "isLost" | "takenOver" | "writes"
  >,
  options: Options,
): Pick<TurnRequest, "ask" | "requestInput" | "clientTools" | "files"> {
  const { workspaceId, serverId, ids, runs, desk } = options;
  const { request, ref } = run;
  const { sessionId, runId, clientId, permissionSeconds = 0 } = request;
  const asking = {
    position: ref.position,
    clientId,
    permissionSeconds,
    goesOn: () => run.goesOn,
    isLeft: () => run.isLost || !runs.isOwned(ref.position, { serverId, epoch: run.epoch }),
  };
  const isTakenOver = run.takenOver?.hasBegun === true && permissionSeconds > 0;
  const head = { workspaceId, sessionId, ...defined({ runId }) };
  return {
    ...defined({
      clientTools: clientTools(head, clientId, options),
      files: options.clientFiles?.ofRun(head, clientId),
    }),
    ask: async (question, signal, anew) => {
      // The client has the call that it is asked about.
      run.writes?.tryWaiting();
      run.writes?.early.throwIfLost();
      return ask({ head, asking, isTakenOver, options }, question, signal, anew);
    },
    requestInput: (question, signal) =>
      desk.requestInput(clientId, { inputId: ids.next("inp"), ...head, ...question }, signal),
  };
}

interface Head {
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly runId?: string;
}

function clientTools(
  head: Head,
  clientId: string,
  { clientTools: all }: Options,
): TurnRequest["clientTools"] {
  const offered = all?.offered(clientId);
  if (offered === undefined) return undefined;
  return {
    tools: offered.tools,
    call: ({ input, ...call }, timeoutMs, signal) =>
      offered.call({ ...head, ...call, input: { ...input } }, timeoutMs, signal),
  };
}

interface Asking {
  readonly head: Head;
  readonly asking: Parameters<Options["desk"]["ask"]>[0];
  /** Whether an earlier server may have asked the same. */
  readonly isTakenOver: boolean;
  readonly options: Options;
}

async function ask(
  { head, asking, isTakenOver, options: { ids, desk, announcer } }: Asking,
  first: ToolQuestion,
  signal: AbortSignal,
  anew: () => Promise<ToolQuestion | undefined> = async () => first,
): Promise<PermissionAnswer | undefined> {
  const named = (question: ToolQuestion): PermissionQuestion => ({
    ...question,
    ...head,
    permissionId: ids.next("per"),
  });
  const resolved = (permissionId: string, answer?: PermissionAnswer) =>
    announcer.emit({
      method: "permissionResolved",
      params: { ...head, permissionId, decision: answer?.decision ?? decidedWithout(signal) },
    });
  const left = isTakenOver ? await desk.adopt?.(asking.position, { ...first, ...head }) : undefined;
  let question = first;
  let put =
    left === undefined ? named(first) : { ...first, ...head, permissionId: left.permissionId };
  announcer.emit({ method: "runActivity", params: { ...head, kind: "waitingForPermission" } });
  let answer: PermissionAnswer | undefined;
  try {
    answer = await desk.ask({ ...asking, ...defined({ left }) }, put, signal, async () => {
      const now = await anew();
      // If something else would happen now, an answer to the old question must not allow it.
      if (now === undefined || canonicalJson(now) === canonicalJson(question)) {
        return now && put;
      }
      resolved(put.permissionId);
      question = now;
      put = named(now);
      return put;
    });
    return answer;
  } finally {
    // One that waits is not over where its run is left to the next server, which asks it again.
    const isLeft = asking.permissionSeconds > 0 && asking.isLeft?.() === true;
    if (!isLeft) resolved(put.permissionId, answer);
  }
}

/** What became of a question that has no answer: what withdrew it may have allowed it. */
function decidedWithout({ aborted, reason }: AbortSignal): "allow" | "deny" {
  return aborted && reason instanceof QuestionDecided ? reason.decision : "deny";
}
