import { expect, test } from "vitest";
import { RunMode } from "../../src/backend/runMode.js";
import type { PermissionMode } from "../../src/protocol/objects/workspace.js";

function open(own: PermissionMode | undefined, of: PermissionMode, most?: PermissionMode) {
  const now = { of, most };
  const mode = new RunMode({ own, workspace: () => now.of, most: () => now.most });
  return { mode, now };
}

test("a run has its own mode, whatever the workspace's becomes", () => {
  const { mode, now } = open("deny", "allow");
  now.of = "ask";
  expect(mode.now()).toBe("deny");
  expect(open(undefined, "acceptEdits").mode.now()).toBe("acceptEdits");
});

test.each([
  ["allow", "acceptEdits", "acceptEdits"],
  ["allow", "deny", "deny"],
  ["plan", "ask", "plan"],
  ["ask", "plan", "plan"],
  ["deny", "plan", "deny"],
] as const)("`%s` under the most `%s` is `%s`", (own, most, expected) => {
  expect(open(own, "ask", most).mode.now()).toBe(expected);
  expect(open(undefined, own, most).mode.now()).toBe(expected);
});

test("behind an accepted plan the run goes on in the workspace's mode, as that is then", () => {
  const { mode, now } = open("plan", "acceptEdits");
  mode.leavePlan();
  expect(mode.now()).toBe("acceptEdits");
  now.of = "deny";
  expect(mode.now()).toBe("deny");
  now.of = "plan";
  expect(mode.now()).toBe("plan");
});

test("where the workspace's mode is `plan` itself it asks, until that is set anew", () => {
  const { mode, now } = open(undefined, "plan");
  mode.leavePlan();
  expect(mode.now()).toBe("ask");
  now.most = "plan";
  expect(mode.now()).toBe("plan");
  now.most = undefined;
  now.of = "allow";
  expect(mode.now()).toBe("allow");
  now.of = "plan";
  expect(mode.now()).toBe("plan");
});
