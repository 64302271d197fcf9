/** What servers have written to stderr. */
import { useState } from "preact/hooks";
import { hiddenText } from "../hiddenContents.js";
import { Empty } from "./Empty.js";
import { timeOfDay } from "./format.js";
import { VirtualList } from "./VirtualList.js";
import type { Shown } from "./view.js";

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
  const shown = (text: string) => (isHidden ? hiddenText(text) : text);
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
