// Every fault is told by the checks that should tell it, and by no other that it meets here.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Requirement } from "../../src/conformance/requirement.js";
import { requirements } from "../../src/conformance/requirements.js";
import { ScriptedProvider } from "../../src/conformance/scriptedProvider.js";
import { isLong } from "../crash/longRun.js";
import { breakServers, misframe } from "./brokenServer.js";
import { failuresOf, launchOurs } from "./checkedServer.js";
import type { Fault } from "./faults/fault.js";
import { faults } from "./faults/faults.js";
import { framingFaults } from "./faults/framing.js";

const folder = mkdtempSync(join(tmpdir(), "turnwire-faults-test-"));

const provider = await ScriptedProvider.start();

afterAll(async () => {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

async function isTold(
  { caughtBy, mayAlsoFail = [], breaking }: Fault,
  chosen: typeof requirements,
): Promise<void> {
  const broken = breakServers(await launchOurs(folder, provider), breaking);
  const failures = await failuresOf(broken, chosen, {
    provider,
    model: "offline",
    patienceMs: 20_000,
  });
  const ids = failures
    .map((failure) => failure.split(":")[0] ?? "")
    .filter((id) => !mayAlsoFail.includes(id));
  expect(ids.sort(), failures.join("\n")).toEqual([...caughtBy].sort());
}

/** Checks that need no server of their own, and nothing that only some servers have. */
const isShared = ({ group, lane, check, needs }: Requirement) =>
  group === "core" && !needs && (lane !== "own" || check === undefined);

const shared = requirements.filter(isShared);

/** So many checks are shared out over the faults of the short form, one in each round. */
const rounds = 8;

/**
 * The checks that a fault meets: those that tell it, and others, none of which may. The long form
 * has all that use the shared connections. In the short form each fault meets some of those that use
 * the same connection, so that between them the faults meet all. A fault that shows in a server of a
 * check's own meets the checks that tell it.
 */
function checksFor(fault: Fault, index: number): typeof requirements {
  const { caughtBy, shownBy = [] } = fault;
  const telling = requirements.filter(({ id }) => caughtBy.includes(id));
  if (!telling.every(isShared)) return telling;
  if (isLong) return shared;
  const lanes = new Set(telling.map(({ lane }) => lane));
  const others = shared.filter(({ check, lane }) => check !== undefined && lanes.has(lane));
  const met = others.filter((_, place) => place % rounds === index % rounds);
  return requirements.filter(
    (each) => telling.includes(each) || shownBy.includes(each.id) || met.includes(each),
  );
}

describe.concurrent("a broken server", () => {
  const all = faults.map((fault, index) => ({ ...fault, index }));
  // One of three: `npm run test:conformance` plays them all.
  it.each(isLong ? all : all.filter(({ index }) => index % 3 === 0))("is told of: $name", (fault) =>
    isTold(fault, checksFor(fault, fault.index)),
  );

  it.each(framingFaults)("is told of in header: $name", async ({ caughtBy, write }) => {
    const wire = requirements.filter(({ lane }) => lane === "wire");
    const broken = misframe(await launchOurs(folder, provider), write);
    const options = { provider, model: "offline", framing: "header", patienceMs: 8000 } as const;
    const failures = await failuresOf(broken, wire, options);
    const ids = failures.map((failure) => failure.split(":")[0]);
    expect(ids, failures.join("\n")).toEqual(caughtBy);
  });
});
