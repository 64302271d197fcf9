// The requests of a turn to the client that sent its prompt: permissions, input for tool servers, calls of
// the client's own tools, and the files of its editor (protocol.md section 7).
import { defined } from "../base/defined.js";
import { QuestionDecided } from "../base/questionDecided.js";
import type { TurnRequest } from "../engine/engine.js";
import type { PermissionAnswer, ToolQuestion } from "../protocol/registry.js";
import type { RunRequest } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";

type Options = Pick<
  CoordinatorOptions,
  "workspaceId" | "ids" | "desk" | "clientTools" | "clientFiles" | "announcer"
>;

/** The part of a turn's request through which it reaches its client. */
export function turnClient(
  request: Pick<RunRequest, "sessionId" | "runId" | "clientId">,
  options: Options,
): Pick<TurnRequest, "ask" | "requestInput" | "clientTools" | "files"> {
  const { workspaceId, ids, desk } = options;
  const { sessionId, runId, clientId } = request;
  const head = { workspaceId, sessionId, ...defined({ runId }) };
  return {
    ...defined({
      clientTools: clientTools(head, clientId, options),
      files: options.clientFiles?.ofRun(head, clientId),
    }),
    ask: (question, signal) => ask(head, clientId, options, question, signal),
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

async function ask(
  head: Head,
  clientId: string,
  { ids, desk, announcer }: Options,
  question: ToolQuestion,
  signal: AbortSignal,
): Promise<PermissionAnswer | undefined> {
  const permissionId = ids.next("per");
  let answer: PermissionAnswer | undefined;
  announcer.emit({ method: "runActivity", params: { ...head, kind: "waitingForPermission" } });
  try {
    answer = await desk.ask(clientId, { ...question, ...head, permissionId }, signal);
    return answer;
  } finally {
    announcer.emit({
      method: "permissionResolved",
      params: { ...head, permissionId, decision: answer?.decision ?? decidedWithout(signal) },
    });
  }
}

/** What became of a question that has no answer: what withdrew it may have allowed it. */
function decidedWithout({ aborted, reason }: AbortSignal): "allow" | "deny" {
  return aborted && reason instanceof QuestionDecided ? reason.decision : "deny";
}
