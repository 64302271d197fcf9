import { expect, it } from "vitest";
import { reflows } from "../../src/cli/reflow.js";

it.each([
  [{ TERM: "xterm-256color" }, true],
  [{}, true],
  [{ TERM: "xterm", XTERM_VERSION: "XTerm(379)" }, false],
  [{ TERM: "screen", STY: "1.pts" }, false],
  [{ TERM: "linux" }, false],
  [{ TERM: "tmux-256color", TMUX: "/tmp/tmux", XTERM_VERSION: "XTerm(379)" }, true],
])("in %j it is %s that a terminal lays its lines out anew", (env, expected) => {
  expect(reflows(env)).toBe(expected);
});
