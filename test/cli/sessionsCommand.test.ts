import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Message } from "../../src/protocol/objects/message.js";
import { Session } from "../../src/protocol/objects/session.js";
import { type Launched, launch } from "./launched.js";

let cli: Launched;
let sessionId: string;

beforeAll(() => {
  cli = launch();
  mkdirSync(join(cli.folder, "other"));
  // Hostile: a fence that could end its own, an order to the terminal, and one that turns the text.
  const said = "@say Forty-two lines.\n@say ````\n@say \u001b]0;owned\u0007 \u202eevil";
  const { status, stdout } = cli.run(["run", "--output", "json", said]);
  expect(status).toBe(0);
  sessionId = JSON.parse(stdout).sessionId;
});
afterAll(() => cli.remove());

it("lists the sessions of this folder, and with --all those of every folder", () => {
  const { status, stdout } = cli.run(["sessions"]);
  expect(status).toBe(0);
  expect(stdout).toContain(sessionId);
  const elsewhere = cli.run(["sessions", "list", "--cwd", "other"]);
  expect(elsewhere).toMatchObject({ status: 0, stdout: "" });
  expect(elsewhere.stderr).toContain("no session");
  const all = JSON.parse(cli.run(["sessions", "--cwd", "other", "--all", "--json"]).stdout);
  expect(Session().array().parse(all.sessions)).toMatchObject([{ id: sessionId }]);
});

it("shows what was said without letting it order anything from the terminal", () => {
  const { status, stdout } = cli.run(["sessions", "show", sessionId]);
  expect(status).toBe(0);
  expect(stdout).toContain("## User");
  expect(stdout).toContain("Forty-two lines.");
  expect(stdout).toContain("␛]0;owned");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there.
  expect(stdout).not.toMatch(/[\u001b\u0007\u202e]/);
});

it("exports it as JSON with everything, and as Markdown", () => {
  const { session, messages } = JSON.parse(
    cli.run(["sessions", "export", sessionId, "--format", "json"]).stdout,
  );
  expect(Session().parse(session).id).toBe(sessionId);
  const texts = Message()
    .array()
    .parse(messages)
    .map(({ role }) => role);
  expect(texts).toEqual(["user", "assistant"]);
  expect(cli.run(["sessions", "export", sessionId]).stdout).toContain("\u001b]0;owned");
});

it("writes an export whole or not at all, through a link and into a file that was there", () => {
  writeFileSync(join(cli.folder, "kept.md"), "before", { mode: 0o600 });
  symlinkSync("kept.md", join(cli.folder, "link.md"));
  const toLink = cli.run(["sessions", "export", sessionId, "-o", "link.md"]);
  expect(toLink).toMatchObject({ status: 0, stdout: "" });
  expect(readFileSync(join(cli.folder, "kept.md"), "utf8")).toContain("Forty-two lines.");
  const nowhere = cli.run(["sessions", "export", sessionId, "-o", "none/x.md"]);
  expect(nowhere).toMatchObject({ status: 1, stdout: "" });
  expect(nowhere.stderr).toContain("none/x.md");
});

it("finds sessions by words", () => {
  const { results } = JSON.parse(cli.run(["sessions", "search", "forty", "--json"]).stdout);
  expect(results).toMatchObject([{ session: { id: sessionId } }]);
  expect(cli.run(["sessions", "search", "nowhere-said"])).toMatchObject({ status: 0, stdout: "" });
});

it("names a session that there is not", () => {
  for (const action of ["show", "export"]) {
    const { status, stdout, stderr } = cli.run(["sessions", action, "ses_none"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("ses_none");
  }
});

it("deletes only when it was asked about, or with --yes", () => {
  const unasked = cli.run(["sessions", "delete", sessionId]);
  // A process of a test may have a terminal: then nobody answers, which is a no as well.
  expect([1, 2]).toContain(unasked.status);
  expect(cli.run(["sessions", "show", sessionId]).status).toBe(0);
  const half = cli.run(["sessions", "delete", sessionId, "ses_none", "--yes"]);
  expect(half.status).toBe(1);
  expect(cli.run(["sessions", "show", sessionId]).status).toBe(0);
  expect(cli.run(["sessions", "delete", sessionId, "--yes"]).status).toBe(0);
  expect(cli.run(["sessions", "show", sessionId]).status).toBe(1);
  expect(existsSync(join(cli.folder, "other"))).toBe(true);
});
