import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientIdOf } from "../../src/cli/runSession.js";
import { TurnwireClient } from "../../src/client/TurnwireClient.js";
import { type Launched, launch } from "./launched.js";
import { launcher, offlineEnvironment } from "./runHarness.js";

/** Two model calls. */
const looped = '@tool ls {"path": "."}\n@say Done.';

let cli: Launched;
beforeEach(() => {
  cli = launch();
});
afterEach(() => cli.remove());

const json = (...argv: string[]) =>
  JSON.parse(cli.run(["run", "--output", "json", ...argv]).stdout);

/** The texts of a session's user messages. */
function prompts(sessionId: string): string[] {
  const { stdout } = cli.run(["sessions", "export", sessionId, "--format", "json"]);
  const { messages } = JSON.parse(stdout);
  return messages
    .filter(({ role }: { role: string }) => role === "user")
    .map(({ parts }: { parts: { text: string }[] }) => parts[0]?.text);
}

/** Leaves an unacknowledged completion of a session behind, as a killed `turnwire run` does. */
async function leave(sessionId: string, clientId: string, prompt: string): Promise<void> {
  const client = await TurnwireClient.spawn({
    command: process.execPath,
    args: [launcher, "serve"],
    env: { ...offlineEnvironment(cli.folder) },
    clientId,
  });
  const { id: workspaceId } = await client.api.createWorkspace({
    path: cli.folder,
    initAgent: true,
  });
  await client.api.createSession({ workspaceId, sessionId });
  const unshown = client.run({
    workspaceId,
    sessionId,
    prompt,
    onComplete: () => Promise.reject(new Error("not shown")),
  });
  await expect(unshown).rejects.toThrow("not shown");
  await client.close();
}

describe("the session of a run", () => {
  it("is the folder's latest with --continue, and a copy with --fork", () => {
    const first = json("@say one");
    const second = json("--continue", "@say two");
    expect(second.sessionId).toBe(first.sessionId);
    const copy = json("--continue", "--fork", "@say three");
    expect(copy.sessionId).not.toBe(first.sessionId);
    expect(prompts(copy.sessionId)).toEqual(["@say one", "@say two", "@say three"]);
    expect(prompts(first.sessionId)).toEqual(["@say one", "@say two"]);
  });

  it("is named where there is none to go on with, or nothing to copy", () => {
    const none = cli.run(["run", "--continue", "p"]);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain("no session to go on with");
    const told = cli.run(["run", "--continue", "--output", "json", "p"]);
    expect(JSON.parse(told.stdout)).toMatchObject({ errorName: "SessionNotFound" });
    const alone = cli.run(["run", "--fork", "p"]);
    expect(alone.status).toBe(2);
    expect(alone.stderr).toContain("--fork needs --session or --continue");
    const unknown = cli.run(["run", "--session", "nobody", "--output", "json", "p"]);
    expect(unknown.status).toBe(1);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ errorName: "SessionNotFound" });
  });
});

describe("what a session missed", () => {
  it("comes once, before the reply, and never another session's", async () => {
    await leave("mine", "cli:mine", "@say unseen words");
    await leave("other", "cli:other", "@say of another");
    const first = cli.run(["run", "--session", "mine", "@say new words"]);
    expect(first.stdout).toBe("unseen words\nnew words\n");
    expect(first.stderr).toContain("ended unseen (succeeded)");
    expect(cli.run(["run", "--session", "mine", "@say again"]).stdout).toBe("again\n");
    const other = json("--session", "other", "@say now");
    expect(other.missed).toMatchObject([{ text: "of another", sessionId: "other" }]);
    expect(json("--session", "other", "@say last").missed).toBeUndefined();
  });

  it("is a line of its own in stream-json, and the run's own comes last", async () => {
    await leave("mine", "cli:mine", "@say unseen");
    const { stdout } = cli.run(["run", "--session=mine", "--output=stream-json", "@say own"]);
    const ends = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ method }) => method === "runComplete")
      .map(({ params }) => params.text);
    expect(ends).toEqual(["unseen", "own"]);
  });

  it("stays unacknowledged where it could not be written", async () => {
    await leave("mine", "cli:mine", "@say unseen");
    const lost = cli.run(["run", "--session", "mine", "-o", join("none", "f"), "@say own"]);
    expect(lost).toMatchObject({ status: 5, stdout: "" });
    expect(lost.stderr).toContain(join("none", "f"));
  });
});

it("has a name for a client that the protocol takes, however long its id is", () => {
  expect(clientIdOf("ses_1")).toBe("cli:ses_1");
  expect(clientIdOf("x".repeat(200)).length).toBeLessThanOrEqual(200);
  expect(clientIdOf("x".repeat(200))).not.toBe(clientIdOf(`${"x".repeat(199)}y`));
});

describe("the other options of a run", () => {
  it("--config sets a field for this run alone", () => {
    const slow = cli.run(["run", "--config", "limits.maxSteps=1", "--output", "json", looped]);
    expect(slow.status).toBe(4);
    expect(JSON.parse(slow.stdout)).toMatchObject({ errorName: "StepLimit" });
    expect(cli.run(["run", looped]).status).toBe(0);
    const wrong = cli.run(["run", "--config", "limits.maxStps=1", "p"]);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain("--config: limits.maxStps: unknown field");
    expect(cli.run(["run", "--config", "novalue", "p"]).status).toBe(2);
  });

  it("--quiet leaves all but errors out, --verbose adds what tools answered", () => {
    expect(cli.run(["run", "--quiet", looped]).stderr).toBe("");
    expect(cli.run(["run", looped]).stderr).toBe("ls .\n");
    expect(cli.run(["run", "--verbose", looped]).stderr).toMatch(/^ls \.\nls: /);
    expect(cli.run(["run", "--quiet", "@fail 401 no"]).stderr).toContain("turnwire run: ");
    expect(cli.run(["run", "--quiet", "--verbose", "p"]).status).toBe(2);
  });

  it("--color decides over NO_COLOR", () => {
    expect(cli.run(["run", "--color", "always", looped]).stderr).toContain("\u001b[2mls .");
  });
});
