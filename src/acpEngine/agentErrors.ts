// The ways in which an agent fails.
import { redact } from "../base/redact.js";
import { cutText } from "../base/text.js";
import { object, objects, text } from "./reading.js";

/** JSON-RPC's code for a login that is wanted. */
const authRequired = -32000;
const longestMessage = 2_000;

/** The agent answered a request with an error. */
export class AgentRefused extends Error {
  readonly code: number;

  constructor(error: unknown) {
    const { code, message, data } = object(error);
    const { details } = object(data);
    const told = text(message)?.trim() || "an error without a message";
    const more = text(details)?.trim() ?? text(data)?.trim();
    super(cutText(more ? `${told}: ${more}` : told, longestMessage));
    this.name = "AgentRefused";
    this.code = typeof code === "number" ? code : 0;
  }

  /** The same error, without texts that must not be shown. */
  without(secrets: Iterable<string>): AgentRefused {
    return new AgentRefused({ code: this.code, message: redact(this.message, [...secrets]) });
  }

  /** Whether the agent wants its user to log in first. */
  get wantsLogin(): boolean {
    return this.code === authRequired;
  }
}

/** The agent's program cannot be started, or has ended; the message says why. */
export class AgentGone extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AgentGone";
  }
}

/** The agent's program has ended, or was ended, while it loaded a session; the message says why. */
export class LostInLoad extends AgentGone {
  /** Whether it would not load it the next time either. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.name = "LostInLoad";
    this.isFinal = isFinal;
  }
}

/** A turn that a lost server has begun cannot be gone on with; the message says why. */
export class CannotGoOn extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CannotGoOn";
  }
}

/** Says how to log in with an agent that wants it. */
export function loginAdvice(name: string, authMethods: unknown): string {
  const ways = objects(authMethods)
    .map((one) => text(one.name) ?? text(one.id))
    .filter((one) => one !== undefined);
  const offered = ways.length === 0 ? "" : ` It offers: ${cutText(ways.join(", "), 300)}.`;
  return `The engine ${name} wants you to log in first: start its program in a terminal and log in there, or give it a key in \`engines.${name}.env\`.${offered}`;
}
