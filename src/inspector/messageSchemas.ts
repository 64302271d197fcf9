/** What the protocols say of a message: the schemas of protocol.md, which are loaded late. */
import type * as Protocol from "../protocol/index.js";
import type { Side } from "./entries.js";

/** Which protocol a pipe speaks, as far as it is known here. */
export type SpokenProtocol = "turnwire";

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
      }[];
    };
  };
}

/** Requests that other protocols have too say nothing alone. */
const shared = new Set(["initialize", "ping", "shutdown"]);

/** Loads the schemas from the built library of the protocol. */
export async function loadMessageSchemas(library: string): Promise<MessageSchemas> {
  const protocol = (await import(library)) as typeof Protocol;
  const requests = { client: protocol.methods, server: protocol.serverMethods };
  const notifications = { client: protocol.clientNotifications, server: protocol.notifications };
  return {
    spokenBy(method, params) {
      if (method === "initialize") return isOurInitialize(params) ? "turnwire" : undefined;
      return Object.hasOwn(protocol.methods, method) && !shared.has(method)
        ? "turnwire"
        : undefined;
    },
    params({ from, method, params, isRequest }) {
      if (method.startsWith("$/")) return undefined;
      const request = entryOf<{ params(): Schema; alsoNotification: boolean }>(
        requests[from],
        method,
      );
      const notification = entryOf<{ params(): Schema }>(notifications[from], method);
      if (isRequest && request === undefined)
        return `protocol.md: the ${from} has no request ${method}`;
      const declared = isRequest || request?.alsoNotification ? request : notification;
      if (declared === undefined) return `protocol.md: the ${from} has no notification ${method}`;
      return issueOf(declared.params(), Array.isArray(params) ? {} : (params ?? {}), "params");
    },
    result({ from, method, result }) {
      const asked = from === "server" ? "client" : "server";
      const request = entryOf<{ result(): Schema }>(requests[asked], method);
      return request && issueOf(request.result(), result, "result");
    },
  };
}

/** ACP's and MCP's `initialize` have other members beside the version. */
function isOurInitialize(params: unknown): boolean {
  if (typeof params !== "object" || params === null) return false;
  const { protocolVersion, capabilities } = params as Record<string, unknown>;
  if ("clientCapabilities" in params || "rootUri" in params || "workspaceFolders" in params) {
    return false;
  }
  return (
    typeof protocolVersion === "number" &&
    ("clientId" in params || "clientInfo" in params || capabilities !== undefined)
  );
}

function entryOf<T>(table: object, name: string): T | undefined {
  return Object.hasOwn(table, name) ? (Reflect.get(table, name) as T) : undefined;
}

/** A value of the message is not quoted: it may be what is to be hidden. */
function issueOf(schema: Schema, value: unknown, where: string): string | undefined {
  const issue = schema.safeParse(value).error?.issues[0];
  if (issue === undefined) return undefined;
  return `protocol.md: ${[where, ...issue.path.map(String)].join(".")}: ${issue.message}`;
}
