/** What the protocols say of a message: the schemas of protocol.md, which are loaded late. */
import type * as Protocol from "../protocol/index.js";
import { type AcpMethod, acpMethods, missingIn } from "./acpMembers.js";
import type { Side } from "./entries.js";
import { shownName } from "./hiddenContents.js";

/** Which protocol a pipe speaks, as far as it is known here. */
export type SpokenProtocol = "turnwire" | "acp";

/** A request or notification as it was sent. */
interface Sent {
  readonly spoken: SpokenProtocol;
  readonly from: Side;
  readonly method: string;
}

/** Looks messages up in the schemas. */
export interface MessageSchemas {
  /** Which protocol a request belongs to; undefined where it could be any. */
  spokenBy(method: string, params: unknown): SpokenProtocol | undefined;
  /** Why a request's or notification's params are not valid. */
  params(
    sent: Sent & { readonly params: unknown; readonly isRequest: boolean },
  ): string | undefined;
  /** Why a result is not valid. */
  result(answered: Sent & { readonly result: unknown }): string | undefined;
}

/** The least that is needed of a schema of zod. */
interface Schema {
  safeParse(value: unknown): {
    readonly error?: {
      readonly issues: readonly {
        readonly path: readonly PropertyKey[];
        readonly message: string;
        readonly code: string;
      }[];
    };
  };
}

/** What the Agent Client Protocol says. */
const acp = {
  params({ from, method, params, isRequest }: Parameters<MessageSchemas["params"]>[0]) {
    // Extensions begin with `_`, and what is for any JSON-RPC with `$/`.
    if (/^(?:_|\$\/)/.test(method)) return undefined;
    const declared = entryOf<AcpMethod>(acpMethods, method);
    const kind = isRequest ? "request" : "notification";
    const isRight =
      declared !== undefined &&
      declared.by === (from === "client" ? "agent" : "client") &&
      isRequest === (declared.result !== undefined);
    if (!isRight) return `ACP: the ${from} has no ${kind} ${shownName(method, true)}`;
    const missing = missingIn(declared.params, params, "params");
    return missing && `ACP: ${missing}`;
  },
  result({ method, result }: Parameters<MessageSchemas["result"]>[0]) {
    const members = entryOf<AcpMethod>(acpMethods, method)?.result;
    const missing = members && missingIn(members, result, "result");
    return missing && `ACP: ${missing}`;
  },
};

/** Requests that other protocols have too say nothing alone. */
const shared = new Set(["initialize", "ping", "shutdown"]);

/** Loads the schemas from the built library of the protocol. */
export async function loadMessageSchemas(library: string): Promise<MessageSchemas> {
  const protocol = (await import(library)) as typeof Protocol;
  const requests = { client: protocol.methods, server: protocol.serverMethods };
  const notifications = {
    client: protocol.clientNotifications,
    server: { ...protocol.notifications, ...protocol.traceNotifications },
  };
  return {
    spokenBy(method, params) {
      if (method === "initialize") return protocolOf(params);
      if (method === "session/new" || method === "session/prompt") return "acp";
      return Object.hasOwn(protocol.methods, method) && !shared.has(method)
        ? "turnwire"
        : undefined;
    },
    params(sent) {
      if (sent.spoken === "acp") return acp.params(sent);
      const { from, method, params, isRequest } = sent;
      const request = entryOf<{ params(): Schema; alsoNotification: boolean }>(
        requests[from],
        method,
      );
      const notification = entryOf<{ params(): Schema }>(notifications[from], method);
      if (method.startsWith("$/") && notification === undefined) return undefined;
      if (isRequest && request === undefined)
        return `protocol.md: the ${from} has no request ${shownName(method, true)}`;
      const declared = isRequest || request?.alsoNotification ? request : notification;
      if (declared === undefined) {
        return `protocol.md: the ${from} has no notification ${shownName(method, true)}`;
      }
      return issueOf(declared.params(), Array.isArray(params) ? {} : (params ?? {}), "params");
    },
    result(answered) {
      if (answered.spoken === "acp") return acp.result(answered);
      const { from, method, result } = answered;
      const asked = from === "server" ? "client" : "server";
      const request = entryOf<{ result(): Schema }>(requests[asked], method);
      return request && issueOf(request.result(), result, "result");
    },
  };
}

/** The protocol of an `initialize`, which several have, with members of their own. */
function protocolOf(params: unknown): SpokenProtocol | undefined {
  if (typeof params !== "object" || params === null) return undefined;
  const { protocolVersion } = params as Record<string, unknown>;
  if (typeof protocolVersion !== "number") return "clientId" in params ? "turnwire" : undefined;
  if ("clientCapabilities" in params) return "acp";
  const isOurs = "clientId" in params || "clientInfo" in params || "capabilities" in params;
  return isOurs ? "turnwire" : undefined;
}

function entryOf<T>(table: object, name: string): T | undefined {
  return Object.hasOwn(table, name) ? (Reflect.get(table, name) as T) : undefined;
}

/** Nothing that was written in the message is quoted: it may be what is to be hidden. */
function issueOf(schema: Schema, value: unknown, where: string): string | undefined {
  const issue = schema.safeParse(value).error?.issues[0];
  if (issue === undefined) return undefined;
  const path = [where, ...issue.path.map((name) => shownName(String(name), true))];
  const isOfKey = issue.code === "unrecognized_keys";
  return `protocol.md: ${path.join(".")}: ${isOfKey ? "it has an unknown member" : issue.message}`;
}
