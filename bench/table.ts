// Rows as a table that reads well in a terminal and is Markdown at the same time.
import type { Row, Rule, Verdict } from "./measure.js";

/** Renders rows with their verdicts. */
export function renderTable(rows: readonly (Row & { readonly verdict: Verdict })[]): string {
  const lines = [
    ["what", "Turnwire", "floor", "", "target", ""],
    ...rows.map((row) => [
      row.note === undefined ? row.what : `${row.what} (${row.note})`,
      `${figure(row.ours)} ${row.unit}`,
      row.floor === undefined ? "" : `${figure(row.floor)} ${row.unit}`,
      comparison(row),
      target(row),
      row.verdict,
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => [...(line[column] ?? "")].length)),
  );
  const render = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0)).join(" | ")} |`;
  const [header = [], ...body] = lines;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [render(header), rule, ...body.map(render)].join("\n");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(width - [...text].length);
}

function comparison({ ours, floor, rule }: Row): string {
  if (floor === undefined) return "";
  return rule.kind === "moreAtMost" ? signed(ours - floor) : `${figure(ours / floor)} ×`;
}

function target({ rule, unit }: { rule: Rule; unit: string }): string {
  switch (rule.kind) {
    case "ratioAtMost":
      return `≤ ${rule.limit} ×`;
    case "ratioAtLeast":
      return `≥ ${rule.limit} ×`;
    case "moreAtMost":
      return `≤ floor + ${rule.limit} ${unit}`;
    case "atMost":
      return `≤ ${rule.limit} ${unit}`;
    case "told":
      return "";
  }
}

function signed(value: number): string {
  return value < 0 ? `−${figure(-value)}` : `+${figure(value)}`;
}

/** Three significant figures. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return "?";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}
