import { expect, it } from "vitest";
import { StatusLine } from "../../src/cli/statusLine.js";
import { screenOf } from "./pty.js";

function lineOf(columns: number) {
  const terminal = { columns, sent: "" };
  const line = new StatusLine({
    write: async (text) => {
      terminal.sent += text;
    },
    columns: () => terminal.columns,
    isColored: false,
  });
  return { terminal, line };
}

it("is drawn over itself in one write, and not at all where it is the same", async () => {
  const { terminal, line } = lineOf(40);
  await line.draw("long status");
  await line.draw("short");
  const { sent } = terminal;
  await line.draw("short");
  expect(terminal.sent).toBe(sent);
  expect(screenOf(sent, 40)).toEqual(["short"]);
  await line.clear();
  expect(screenOf(terminal.sent, 40)).toEqual([]);
});

it("is cut by the width that its characters take, never in two lines", async () => {
  const { terminal, line } = lineOf(10);
  await line.draw("表表表表表表表");
  expect(terminal.sent).toContain("表表表表…");
  await line.draw("👩‍👩‍👧‍👦".repeat(9));
  expect(screenOf(terminal.sent, 10)).toHaveLength(1);
});

it("takes all of itself away when the terminal has become narrower", async () => {
  const { terminal, line } = lineOf(40);
  await line.draw("x".repeat(35));
  terminal.columns = 10;
  terminal.sent = "";
  await line.draw("now short");
  // 35 characters are four rows of ten.
  expect(terminal.sent).toContain("\u001b[3A\u001b[J");
});
