/** What servers have written to stderr. */
import { useState } from "preact/hooks";
import { hiddenText } from "../hiddenContents.js";
import { Empty } from "./Empty.js";
import { timeOfDay } from "./format.js";
import { VirtualList } from "./VirtualList.js";
import type { Shown } from "./view.js";

const [esc, bell] = [27, 7].map((code) => String.fromCharCode(code));
/** What tells a terminal colours, and the title of its window. */
const escapes = new RegExp(
  `${esc}(?:\\[[0-?]{0,64}[ -/]{0,8}[@-~]|\\][^${bell}${esc}]{0,1000}(?:${bell}|${esc}\\\\))`,
  "g",
);

export function StderrView({ feed, isHidden }: Shown) {
  const [selected, select] = useState(-1);
  const [isAtEnd, setAtEnd] = useState(true);
  const { stderr } = feed;
  if (stderr.length === 0) {
    return (
      <Empty title="Nothing on stderr">
        The server has written nothing to stderr. A Turnwire server logs more with{" "}
        <code>--log-level debug</code>.
      </Empty>
    );
  }
  const shown = (text: string) => (isHidden ? hiddenText(text) : text.replace(escapes, ""));
  const chosen = stderr[selected];
  const isOfSeveral = feed.commands.size > 1;
  return (
    <div class="stderr-view">
      <VirtualList
        items={stderr}
        label="Lines of stderr"
        selected={selected}
        follows={isAtEnd}
        keyOf={({ number }) => number}
        onSelect={select}
        onScrolledAway={setAtEnd}
      >
        {({ at, pipe, text }) => (
          <>
            <span class="cell time">{timeOfDay(at)}</span>
            {isOfSeveral && <span class="cell pipe">{pipe}</span>}
            <span class="cell line">{shown(text)}</span>
          </>
        )}
      </VirtualList>
      {chosen !== undefined && <pre class="text">{shown(chosen.text)}</pre>}
    </div>
  );
}
