/** What one row says. */
import { useState } from "preact/hooks";
import { hiddenText, shownName } from "../hiddenContents.js";
import type { Row } from "../view/traffic.js";
import { wholeEntry, withoutContents } from "../view/wholeEntry.js";
import { duration, size, timeOfDay } from "./format.js";
import { JsonTree } from "./JsonTree.js";

interface Props {
  readonly row: Row;
  readonly isHidden: boolean;
  readonly onJump: () => void;
  readonly onClose: () => void;
}

export function RowDetail({ row, isHidden, onJump, onClose }: Props) {
  const whole = wholeEntry(row);
  const entry = isHidden ? withoutContents(whole) : whole;
  const { deltas } = row;
  return (
    <section class="detail" aria-label="The chosen row">
      <div class="detail-head">
        <h2>{row.method === "" ? row.kind : shownName(row.method, isHidden)}</h2>
        <button type="button" onClick={onClose} aria-label="Close">
          ×
        </button>
      </div>
      {row.invalid !== undefined && <p class="reason">Not valid. {row.invalid}</p>}
      <Facts row={row} isHidden={isHidden} />
      <div class="actions">
        {row.partner !== undefined && (
          <button type="button" onClick={onJump}>
            {row.kind === "request" ? "Go to the answer" : "Go to the request"}
          </button>
        )}
        {entry.kind === "message" && <CopyButton text={JSON.stringify(entry.message)} />}
      </div>
      {deltas !== undefined && deltas.count > 1 && (
        <>
          <h3>The text of {deltas.count} deltas</h3>
          <pre class="text">{isHidden ? hiddenText(deltas.text) : deltas.text}</pre>
        </>
      )}
      {entry.kind === "message" ? (
        <JsonTree key={`${row.index} ${isHidden}`} value={entry.message} />
      ) : (
        <JsonTree key={`${row.index} ${isHidden}`} value={entry} />
      )}
    </section>
  );
}

function Facts({ row, isHidden }: { readonly row: Row; readonly isHidden: boolean }) {
  const { entry, ms, pipe } = row;
  const shown = (name: string | undefined) => name && shownName(name, isHidden);
  const facts: [string, string | undefined][] = [
    ["Time", timeOfDay(entry.at)],
    ["Took", ms === undefined ? undefined : duration(ms)],
    ["Size", row.bytes > 0 ? size(row.bytes) : undefined],
    ["Session", shown(row.session)],
    ["Run", shown(row.run)],
    ["Server", pipe === "" ? undefined : pipe],
  ];
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** Copies the message as a line, which can be pasted into a server that reads a message a line. */
function CopyButton({ text }: { readonly text: string }) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("The browser did not allow it");
    }
    setTimeout(() => say(""), 2000);
  };
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        Copy as a line
      </button>
      <span role="status">{said}</span>
    </>
  );
}
