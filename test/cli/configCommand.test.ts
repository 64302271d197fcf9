import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ModelInfo } from "../../src/protocol/objects/model.js";
import { type Launched, launch } from "./launched.js";

let cli: Launched;
beforeEach(() => {
  cli = launch();
  mkdirSync(join(cli.folder, "turnwire"));
});
afterEach(() => cli.remove());

const userFile = (text: string) => writeFileSync(join(cli.folder, "turnwire/config.json"), text);
const ownFile = (text: string) => writeFileSync(join(cli.folder, "turnwire.json"), text);

it("says which files count, in their order", () => {
  ownFile("{}");
  const { files } = JSON.parse(cli.run(["config", "--json"]).stdout);
  expect(files).toMatchObject([
    { kind: "user", path: join(cli.folder, "turnwire/config.json"), state: "none" },
    { kind: "workspace", path: join(cli.folder, "turnwire.json"), state: "found" },
  ]);
  const named = cli.run(["config", "path"], { env: { TURNWIRE_CONFIG: "/nowhere/c.json" } });
  expect(named.stdout).toContain("/nowhere/c.json (none, named by TURNWIRE_CONFIG)");
});

it("names file, line and field of every error in every file, and no value", () => {
  userFile('{\n  // mine\n  "providers": {\n    "o": {"type": "openai", "apiKey": 7},\n  },\n}');
  ownFile('{\n  "limits": {\n    "maxStps": 3\n  },\n  "autoSummarize": "secret-value"\n}');
  const { status, stdout } = cli.run(["config", "check"]);
  expect(status).toBe(1);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/turnwire\/config\.json:4: providers\.o\.apiKey: /),
    expect.stringMatching(/turnwire\.json:5: autoSummarize: /),
    expect.stringMatching(
      /turnwire\.json:3: limits\.maxStps: unknown field; did you mean "maxSteps"/,
    ),
  ]);
  expect(stdout).not.toContain("secret-value");
});

it("tells the line of a missing field, of broken JSON, and of a name that is there twice", () => {
  userFile('{\n  "providers": {\n    "o": {}\n  }\n}');
  expect(cli.run(["config", "check"]).stdout).toMatch(/config\.json:3: providers\.o/);
  userFile('{\n  "models": }');
  expect(cli.run(["config", "check"]).stdout).toMatch(/config\.json:2: line 2, column 13: /);
  userFile('{\n"limits": {},\n"limits": {}}');
  expect(cli.run(["config", "check"]).stdout).toMatch(/config\.json:3: .*twice/);
});

it("finds a model that nobody configured, and exits with 0 where all is right", () => {
  userFile('{"models": {"large": {"provider": "nowhere", "model": "m"}}}');
  const wrong = cli.run(["config", "check", "--json"]);
  expect(wrong.status).toBe(1);
  expect(JSON.parse(wrong.stdout).errors[0].message).toContain("nowhere");
  userFile("{}");
  expect(cli.run(["config", "check"])).toMatchObject({ status: 0, stdout: "" });
});

it("lists providers and models, and never a key", () => {
  userFile(
    '{"providers": {"a": {"type": "anthropic"}, "b": {"type": "openai", "apiKey": "literal-key"}}}',
  );
  const env = { ANTHROPIC_API_KEY: "key-of-env" };
  const { status, stdout } = cli.run(["models", "--json"], { env });
  expect(status).toBe(0);
  const { providers } = JSON.parse(stdout);
  expect(providers.slice(0, 2)).toMatchObject([
    { id: "a", key: "$ANTHROPIC_API_KEY", hasKey: true },
    { id: "b", key: "literal", hasKey: true },
  ]);
  for (const { models } of providers) ModelInfo().array().min(1).parse(models);
  const text = cli.run(["models"]);
  expect(text.stdout).toContain("a  (anthropic, key: $ANTHROPIC_API_KEY (not set))");
  for (const out of [stdout, text.stdout, text.stderr]) {
    expect(out).not.toMatch(/literal-key|key-of-env/);
  }
});

it("says what is wrong where the configuration cannot be read", () => {
  userFile("{");
  const { status, stdout, stderr } = cli.run(["models"]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("config.json");
});
