// Every fault is told by the checks that should tell it, and by no other.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { requirements } from "../../src/conformance/requirements.js";
import { ScriptedProvider } from "../../src/conformance/scriptedProvider.js";
import { isLong } from "../crash/longRun.js";
import { breakServers, misframe } from "./brokenServer.js";
import { failuresOf, launchOurs } from "./checkedServer.js";
import { type Fault, framingFaults, ownFaults, sharedFaults } from "./faults.js";

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
    patienceMs: 6000,
  });
  const ids = failures
    .map((failure) => failure.split(":")[0] ?? "")
    .filter((id) => !mayAlsoFail.includes(id));
  expect(ids.sort(), failures.join("\n")).toEqual([...caughtBy].sort());
}

describe.concurrent("a broken server", { timeout: 90_000 }, () => {
  // Servers of a check's own, and checks of what not every server has, cost more processor time than
  // the rest: they are run for faults of their own alone.
  const shared = requirements.filter(
    ({ group, lane, check, needs }) =>
      group === "core" && !needs && (lane !== "own" || check === undefined),
  );

  // Of these, each fault of the short form meets those that should tell it; the long form has all.
  const costly = /-(OPTION-|QUEUE-01|PERMISSION-00[6-9]|WORKSPACE-00[56]|CANCEL-006|RUN-007)/;

  it.each(sharedFaults)("is told of: $name", (fault) =>
    isTold(
      fault,
      shared.filter(({ id }) => isLong || !costly.test(id) || fault.caughtBy.includes(id)),
    ),
  );

  it.each(framingFaults)("is told of in header: $name", async ({ caughtBy, write }) => {
    const wire = requirements.filter(({ lane }) => lane === "wire");
    const broken = misframe(await launchOurs(folder, provider), write);
    const options = { provider, model: "offline", framing: "header", patienceMs: 3000 } as const;
    const failures = await failuresOf(broken, wire, options);
    const ids = failures.map((failure) => failure.split(":")[0]);
    expect(ids, failures.join("\n")).toEqual(caughtBy);
  });

  it.each(ownFaults)("is told of: $name", (fault) =>
    isTold(
      fault,
      requirements.filter(({ id }) => fault.caughtBy.includes(id)),
    ),
  );
});
