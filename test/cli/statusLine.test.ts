import { expect, it } from "vitest";
import { StatusLine } from "../../src/cli/statusLine.js";
import { resized, TerminalModel } from "./terminalModel.js";

function lineOf(columns: number, reflows = true) {
  const terminal = { columns, sent: "" };
  const line = new StatusLine({
    write: async (text) => {
      terminal.sent += text;
    },
    columns: () => terminal.columns,
    isColored: false,
    reflows,
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
  expect(new TerminalModel(40).write(sent).rows).toEqual(["short"]);
  await line.clear();
  expect(new TerminalModel(40).write(terminal.sent).rows).toEqual([]);
});

it("is cut by the width that its characters take, never in two lines", async () => {
  const { terminal, line } = lineOf(10);
  await line.draw("表表表表表表表");
  expect(terminal.sent).toContain("表表表表…");
  await line.draw("👩‍👩‍👧‍👦".repeat(9));
  expect(new TerminalModel(10).write(terminal.sent).rows).toHaveLength(1);
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

it.each([
  ["lays its lines out anew", true],
  ["cuts its lines", false],
])("takes nothing else away on a terminal that %s", async (_, reflows) => {
  const { terminal, line } = lineOf(40, reflows);
  terminal.sent = "an answer\nof two lines\n";
  await line.draw("x".repeat(35));
  for (const columns of [12, 30, 11]) {
    terminal.columns = columns;
    terminal.sent += resized(columns);
    await line.draw(`${"y".repeat(33)}${columns}`);
  }
  await line.clear();
  await line.release();
  const { rows } = new TerminalModel(40, reflows).write(terminal.sent);
  // At the narrowest, "of two lines" is a row of eleven and one more, or it was cut.
  expect(rows).toEqual(reflows ? ["an answer", "of two line", "s"] : ["an answer", "of two line"]);
});

it("is not seen to go away while something is written above it", async () => {
  const { terminal, line } = lineOf(40);
  await line.draw("status");
  for (const text of ["one\n", "two\n"]) {
    await line.clear();
    terminal.sent += text;
    await line.draw("status");
  }
  const { seen, rows } = new TerminalModel(40).write(terminal.sent);
  expect(rows).toEqual(["one", "two", "status"]);
  const shown = seen.filter((screen) => screen.length > 0);
  expect(shown.every((screen) => screen.at(-1) === "status")).toBe(true);
});

it("is released where it is not drawn again, and only then", async () => {
  const { terminal, line } = lineOf(40);
  await line.release();
  expect(terminal.sent).toBe("");
  await line.draw("status");
  await line.clear();
  await line.release();
  const { sent } = terminal;
  expect(sent.endsWith("\u001b[?2026l")).toBe(true);
  await line.release();
  await line.clear();
  expect(terminal.sent).toBe(sent);
});
