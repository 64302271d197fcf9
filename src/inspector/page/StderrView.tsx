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
  return (
    <div class="stderr">
      <VirtualList
        items={stderr}
        label="Lines of stderr"
        selected={selected}
        follows={isAtEnd}
        keyOf={(line) => stderr.indexOf(line)}
        onSelect={select}
        onScrolledAway={setAtEnd}
      >
        {({ at, text }) => (
          <>
            <span class="cell time">{timeOfDay(at)}</span>
            <span class="cell line">{shown(text)}</span>
          </>
        )}
      </VirtualList>
      {chosen !== undefined && <pre class="text">{shown(chosen.text)}</pre>}
    </div>
  );
}
