// Runs the checks of one framing: each lane on connections of its own, side by side.

import { defined } from "../base/defined.js";
import { CheckFailure, CheckSkipped } from "./checkFailure.js";
import type { Framing } from "./frames.js";
import { type Claims, Kit } from "./kit.js";
import type { Lane, Requirement } from "./requirement.js";
import { requirements } from "./requirements.js";
import type { ScriptedProvider } from "./scriptedProvider.js";
import type { Launch, Model } from "./serverPipes.js";
import type { Watched } from "./watch.js";

/** What became of one requirement in one framing. */
export interface CheckResult {
  readonly requirement: Requirement;
  readonly framing: Framing;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What the server did not do, or why it was not checked. */
  readonly reason?: string;
  /** The last frames of the connection, where it failed. */
  readonly transcript?: readonly string[];
  readonly durationMs: number;
}

export interface RunChecksOptions {
  readonly requirements: readonly Requirement[];
  readonly framing: Framing;
  readonly launch: Launch;
  readonly provider: ScriptedProvider;
  /** Who answers the prompts; the server's offline model unless told or it has none. */
  readonly model?: Model;
  readonly hasSecondCommand: boolean;
  /** How long a server may take for anything; 15 seconds unless told. */
  readonly patienceMs?: number;
  onResult(result: CheckResult): void;
}

/** Several workers take servers of their own side by side: most of their time is spent waiting. */
const workers: Readonly<Record<Lane, number>> = { main: 1, wire: 1, own: 3 };

/** Checks that between them show every kind of frame. */
const tour = new Set(["TW-RUN-002", "TW-RUN-006", "TW-DELIVERY-008", "TW-PERMISSION-001"]);

interface Fault {
  readonly message: string;
  readonly transcript: readonly string[];
}

/**
 * Runs every check. It rejects only where the kit itself is wrong: what a server does, or that it
 * cannot be started, becomes results.
 */
export async function runChecks(options: RunChecksOptions): Promise<readonly CheckResult[]> {
  const run = new Run(options);
  try {
    return await run.all();
  } finally {
    await run.close();
  }
}

class Run {
  readonly #options: RunChecksOptions;
  readonly #faults = new Map<string, Fault>();
  readonly #results: CheckResult[] = [];
  readonly #seen = new Set<Watched>();
  readonly #kits: Kit[] = [];
  #chosen: ReadonlySet<Requirement> = new Set();
  #model: Model;
  #areDaemons = false;

  constructor(options: RunChecksOptions) {
    this.#options = options;
    this.#model = options.model ?? "offline";
  }

  async all(): Promise<readonly CheckResult[]> {
    const { framing } = this.#options;
    const applicable = this.#options.requirements.filter(
      (each) => each.framing === undefined || each.framing === framing,
    );
    const isAsked = applicable.some(
      ({ group, needs, endsServer }) => group !== "core" || needs || endsServer,
    );
    const claims = isAsked || !this.#options.model ? await this.#claims() : undefined;
    if (claims?.hasOfflineModel === false) this.#model = "provider";
    this.#areDaemons = claims?.methods?.includes("stopDaemon") === true;
    this.#chosen = new Set(applicable);
    const claimed: Requirement[] = [];
    for (const requirement of applicable) {
      const reason = unclaimed(requirement, claims);
      if (reason === undefined) claimed.push(requirement);
      else this.#add({ requirement, framing, outcome: "skipped", reason, durationMs: 0 });
    }
    await Promise.all(
      Object.entries(workers).map(([lane, count]) =>
        this.#lane(lane as Lane, count, [...claimed, ...this.#tour(claimed)]),
      ),
    );
    for (const requirement of claimed.filter(({ watches }) => watches)) {
      this.#addWatched(requirement);
    }
    return this.#results;
  }

  /** What the server says of itself; nothing where it has no handshake. */
  async #claims(): Promise<Claims | undefined> {
    const kit = await this.#newKit();
    return kit.claims().catch((error: unknown) => {
      // The core's checks tell what is wrong with a server without a handshake.
      if (error instanceof CheckFailure) return undefined;
      throw error;
    });
  }

  /** What runs only so that there are frames to look at. */
  #tour(claimed: readonly Requirement[]): readonly Requirement[] {
    if (!claimed.some(({ watches }) => watches)) return [];
    return requirements.filter((each) => tour.has(each.id) && !claimed.includes(each));
  }

  async close(): Promise<void> {
    await Promise.all(this.#kits.map((kit) => kit.close({ areDaemons: this.#areDaemons })));
  }

  async #lane(lane: Lane, count: number, claimed: readonly Requirement[]): Promise<void> {
    const waiting = claimed.filter((each) => each.lane === lane && each.check !== undefined);
    const work = async () => {
      if (waiting.length === 0) return;
      const kit = await this.#newKit();
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await this.#check(next, kit);
      }
    };
    await Promise.all(Array.from({ length: count }, work));
  }

  async #check(requirement: Requirement, kit: Kit): Promise<void> {
    const begun = performance.now();
    const result = (outcome: CheckResult["outcome"], reason?: string) => ({
      requirement,
      framing: this.#options.framing,
      outcome,
      durationMs: Math.round(performance.now() - begun),
      ...defined({ reason }),
    });
    try {
      await requirement.check?.(kit);
      if (!requirement.watches) this.#add(result("passed"));
    } catch (error) {
      if (error instanceof CheckSkipped) {
        this.#add(result("skipped", error.message));
        return;
      }
      if (!(error instanceof CheckFailure)) throw error;
      const transcript = kit.used?.transcript.lines() ?? [];
      if (requirement.watches) this.#fault(requirement.id, { message: error.message, transcript });
      else this.#add({ ...result("failed", error.message), transcript });
    }
  }

  #addWatched(requirement: Requirement): void {
    const fault = this.#faults.get(requirement.id) ?? this.#unseen();
    const { framing } = this.#options;
    const { watches } = requirement;
    if (fault === undefined) {
      const isSeen = watches === undefined || this.#seen.has(watches);
      const reason = isSeen ? undefined : `no ${watches} came that could be looked at`;
      const outcome = isSeen ? "passed" : "skipped";
      this.#add({ requirement, framing, outcome, durationMs: 0, ...defined({ reason }) });
      return;
    }
    const { message: reason, transcript } = fault;
    this.#add({ requirement, framing, outcome: "failed", reason, transcript, durationMs: 0 });
  }

  /** A server that never said a word keeps no sentence. */
  #unseen(): Fault | undefined {
    if (this.#seen.has("frames")) return undefined;
    return { message: "the server sent nothing that could be looked at", transcript: [] };
  }

  /** The first fault of each requirement is told: the rest are its repetitions. */
  #fault(id: string, fault: Fault): void {
    if (!this.#faults.has(id)) this.#faults.set(id, fault);
  }

  #add(result: CheckResult): void {
    if (!this.#chosen.has(result.requirement)) return;
    this.#results.push(result);
    this.#options.onResult(result);
  }

  async #newKit(): Promise<Kit> {
    const { framing, launch, provider, hasSecondCommand, patienceMs = 15_000 } = this.#options;
    const kit: Kit = await Kit.create({
      framing,
      launch,
      provider,
      model: this.#model,
      hasSecondCommand,
      patienceMs,
      saw: (what) => this.#seen.add(what),
      report: (id, message) =>
        this.#fault(id, { message, transcript: kit.used?.transcript.lines() ?? [] }),
    });
    this.#kits.push(kit);
    return kit;
  }
}

/** Why a requirement is not checked of a server that says this of itself. */
function unclaimed(requirement: Requirement, claims?: Claims): string | undefined {
  const { group, needs = [], endsServer } = requirement;
  if (group !== "core" && !claims?.levels.includes(group)) {
    return `the server does not claim the level ${group}`;
  }
  if (endsServer && claims?.levels.includes("daemon")) return "the server outlives its clients";
  const missing = needs.filter((method) => claims?.methods?.includes(method) === false);
  return missing.length === 0 ? undefined : `the server has no ${missing.join(", ")}`;
}
