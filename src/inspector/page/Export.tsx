/** Saves what is shown, as a recording of our own or as LSP Inspector reads it. */
import { toLspLine } from "../lspFormat.js";
import { wholeEntry, withoutContents } from "../view/wholeEntry.js";
import type { Feed } from "./feed.js";

export function Export({ feed, isHidden }: { readonly feed: Feed; readonly isHidden: boolean }) {
  const save = (format: "turnwire" | "lsp") => {
    const lines = linesOf(feed, format, isHidden);
    const blob = new Blob([lines.join("\n"), "\n"], { type: "application/x-ndjson" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = format === "lsp" ? "exchange.lsp.json" : "exchange.jsonl";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  return (
    <fieldset class="export" aria-label="Save">
      <button type="button" onClick={() => save("turnwire")}>
        Save recording
      </button>
      <button type="button" onClick={() => save("lsp")}>
        Save for LSP Inspector
      </button>
    </fieldset>
  );
}

function linesOf(feed: Feed, format: "turnwire" | "lsp", isHidden: boolean): string[] {
  const header = { recording: "turnwire", version: 1, at: Date.now(), hidden: isHidden };
  const lines = format === "lsp" ? [] : [JSON.stringify(header)];
  for (const row of feed.traffic.rows) {
    const entry = isHidden ? withoutContents(wholeEntry(row)) : wholeEntry(row);
    const line = format === "lsp" ? toLspLine(entry) : JSON.stringify(entry);
    if (line !== undefined) lines.push(line);
  }
  return lines;
}
