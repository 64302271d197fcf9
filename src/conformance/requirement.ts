import type { Framing } from "./frames.js";
import type { Kit } from "./kit.js";
import type { Watched } from "./watch.js";

/** What a server claims in `initialize.capabilities.levels` (protocol.md section 2). */
const groups = ["core", "durable", "shared", "daemon"] as const;
export type Group = (typeof groups)[number];

/**
 * Where a check runs: on the connection that all share (`main`), on one that gets what is no proper
 * request (`wire`), or on servers that it starts itself (`own`).
 */
export type Lane = "main" | "wire" | "own";

/** One sentence of protocol.md, and how it is seen whether a server keeps it. */
export interface Requirement {
  readonly id: string;
  /** The section of protocol.md in which the sentence stands. */
  readonly section: number;
  readonly level: "MUST" | "SHOULD";
  readonly group: Group;
  /** The sentence, or the part of it that is checked, word for word. */
  readonly sentence: string;
  readonly lane: Lane;
  /** The only framing in which it means something. */
  readonly framing?: Framing;
  /** Whether its check ends the server with its client: one that outlives its clients is not checked. */
  readonly endsServer?: true;
  /** Methods of the protocol without which it means nothing: a server says which it has. */
  readonly needs?: readonly string[];
  /** What is looked at for it in every check, beside its own check. */
  readonly watches?: Watched;
  /** Rejects with {@link CheckFailure} where the server does not keep it. */
  readonly check?: (kit: Kit) => Promise<void>;
}
