import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { denyingRule, matchRule, rulesAllow } from "../../src/permissions/index.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

describe("a rule on a path", () => {
  const write = (value: string, path = `/repo/${value}`) => ({
    tool: "write",
    subject: { kind: "path" as const, value },
    path,
  });

  test.each([
    ["write", "src/a.ts", true],
    ["write:*", "src/a.ts", true],
    ["*", "src/a.ts", true],
    ["wr*:src/**", "src/a.ts", true],
    ["edit", "src/a.ts", false],
    ["write:src/*", "src/a.ts", true],
    ["write:src/*", "src/deep/a.ts", false],
    ["write:src/**", "src/deep/a.ts", true],
    ["write:src/", "src/deep/a.ts", true],
    ["write:./src/a.ts", "src/a.ts", true],
    ["write:/repo/src/**", "src/a.ts", true],
    ["write:/repo/lib/**", "src/a.ts", false],
    ["write:**/.env", ".env", true],
    ["write:**/.env*", "src/.env.local", true],
    ["write:!src/**", "lib/a.ts", false],
    ["write:src/**", "src/a\nb/c.ts", true],
    ["write:src/**/*.ts", "src/a\nb/c.ts", true],
  ])("%s on %s: %s", (rule, value, expected) => {
    expect(matchRule(rule, write(value))).toBe(expected);
  });

  test.each([
    ["write:**/*.md", false, true],
    ["write:**/other/", false, true],
    ["write:/home/ada/**", true, true],
    ["write:~/other/**", true, true],
    ["write", true, true],
    ["write:*", false, true],
    ["write:**", false, true],
    ["write:***", false, true],
    ["write:**/**", false, true],
    ["write: ", false, true],
    ["*:**", false, true],
    ["*", true, true],
    ["write:/**", true, true],
    ["write:~/**", true, true],
  ])("outside the workspace %s allows: %s, denies: %s", (rule, allows, denies) => {
    const file = write("/home/ada/other/notes.md", "/home/ada/other/notes.md");
    expect(rulesAllow({ allow: [rule], deny: [] }, file, "/home/ada")).toBe(allows);
    expect(denyingRule({ allow: [], deny: [rule] }, file, "/home/ada") !== undefined).toBe(denies);
  });

  test("a pattern from the workspace's root does not cover its real place", () => {
    const file = write("src/a.ts", "/repo/src/a.ts");
    expect(rulesAllow({ allow: ["write:**/repo/**"], deny: [] }, file)).toBe(false);
    expect(rulesAllow({ allow: ["write:**/*.ts"], deny: [] }, file)).toBe(true);
    expect(rulesAllow({ allow: ["write:/repo/**"], deny: [] }, file)).toBe(true);
  });

  test.each([
    ["write:*", "a.ts", true],
    ["write:*", "src/a.ts", false],
    ["write:**", "src/a.ts", true],
    ["*:**", "src/a.ts", true],
  ])("%s is a glob of the workspace: it allows %s: %s", (rule, value, expected) => {
    expect(rulesAllow({ allow: [rule], deny: [] }, write(value))).toBe(expected);
    expect(denyingRule({ allow: [], deny: [rule] }, write(value))).toBe(rule);
  });

  test("a deny path without wildcards covers what is in it, an allow path does not", () => {
    const rules = { allow: ["write:src"], deny: ["write:src"] };
    expect(denyingRule(rules, write("src/deep/a.ts"))).toBe("write:src");
    expect(denyingRule(rules, write("src2/a.ts"))).toBeUndefined();
    expect(rulesAllow(rules, write("src/deep/a.ts"))).toBe(false);
  });

  test("a pattern that is too long to be matched denies, and allows nothing", () => {
    const rule = `write:${"*a".repeat(600)}`;
    expect(denyingRule({ allow: [], deny: [rule] }, write("b"))).toBe(rule);
    expect(rulesAllow({ allow: [rule], deny: [] }, write("a".repeat(600)))).toBe(false);
  });

  test.each([
    ["*a*a*a*a*a*a*ab", "a".repeat(120)],
    ["**/*a*a*a*a*a*a*ab", "a".repeat(120)],
    [`${"**/a*/".repeat(40)}b`, "aa/".repeat(200)],
    [`${"{a,aa}".repeat(80)}b`, "a".repeat(120)],
    [`{${"{*a,".repeat(50)}b${"}".repeat(50)},b}!`, "a".repeat(200)],
  ])("a rule from a repository is matched at once: %#", async (pattern, name) => {
    const denying = () => denyingRule({ allow: [], deny: [`write:${pattern}`] }, write(name));
    expect(denying()).toBeUndefined();
    // Before, the first of them took longer than the universe is old.
    expect(await cpuTimeOf(denying)).toBeLessThan(onThisMachine(50));
  });

  test("a deny rule holds behind the links that it leads through", async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), "turnwire-rules-")));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    await mkdir(join(root, "real", "ada", "repo"), { recursive: true });
    await mkdir(join(root, "shared"));
    await symlink(join(root, "real"), join(root, "home"));
    await symlink(join(root, "shared"), join(root, "real", "ada", "repo", "config"));
    await writeFile(join(root, "shared", "prod.env"), "");
    const places = {
      home: join(root, "home", "ada"),
      workspacePath: join(root, "real", "ada", "repo"),
    };
    const at = (path: string) => ({
      tool: "read",
      subject: { kind: "path" as const, value: path },
      path,
    });
    const key = at(join(root, "real", "ada", ".ssh", "id"));
    const shared = at(join(root, "shared", "prod.env"));
    for (const [rule, file] of [
      ["read:~/.ssh/**", key],
      [`read:${root}/home/ada/.ssh/*`, key],
      [`read:${root}/home/ada/.ssh`, key],
      ["read:config/prod.env", shared],
      ["read:config/*.env", shared],
      ["read:config/", shared],
    ] as const) {
      expect(denyingRule({ allow: [], deny: [rule] }, file, places)).toBe(rule);
    }
    // The home is the user's own doing; a link in the workspace may be the model's.
    expect(rulesAllow({ allow: ["read:~/.ssh/**"], deny: [] }, key, places)).toBe(true);
    expect(rulesAllow({ allow: ["read:config/**"], deny: [] }, shared, places)).toBe(false);
  });

  test("~/ is the user's home", () => {
    const key = write("/home/ada/.ssh/id", "/home/ada/.ssh/id");
    expect(matchRule("write:~/.ssh/**", key, "/home/ada")).toBe(true);
    expect(matchRule("write:~/.ssh/**", key)).toBe(false);
  });
});

describe("a rule on a URL", () => {
  test.each([
    ["fetch", "https://example.com/a", true],
    ["fetch:example.com", "https://example.com/a?b", true],
    ["fetch:example.com", "http://example.com/", true],
    ["fetch:example.com", "https://example.com:8443/", false],
    ["fetch:example.com", "https://evil.test/example.com", false],
    ["fetch:https://example.com/*", "https://example.com/a/b", true],
    ["fetch:https://example.com/*", "http://example.com/a", false],
    ["fetch:https://example.com/docs/*", "https://example.com/docs/../secret", false],
    ["fetch:https://*.example.com/*", "https://a.example.com/x", true],
    ["fetch:https://*.example.com/*", "https://evil.test/.example.com/x", false],
    ["fetch:https://example.com*", "https://example.com@evil.test/", false],
    ["fetch:HTTPS://Example.com/*", "https://EXAMPLE.com:443/a", true],
    ["fetch:http://localhost:3000/*", "http://localhost:3000/a", true],
    ["fetch:http://[::1]:3000/*", "http://[::1]:3000/a", true],
    ["fetch:*", "ftp://example.com/", true],
    ["fetch:example.com", "ftp://example.com/", false],
  ])("%s on %s: %s", (rule, value, expected) => {
    expect(matchRule(rule, { tool: "fetch", subject: { kind: "url", value } })).toBe(expected);
  });
});

describe("a rule on a tool of a server", () => {
  test.each([
    ["mcp__docs__search", true],
    ["mcp__docs__*", true],
    ["mcp__*", true],
    ["mcp__other__*", false],
    ["mcp__docs__search:*", true],
  ])("%s: %s", (rule, expected) => {
    const subject = { kind: "tool" as const, value: "mcp__docs__search" };
    expect(matchRule(rule, { tool: "mcp__docs__search", subject })).toBe(expected);
  });
});
