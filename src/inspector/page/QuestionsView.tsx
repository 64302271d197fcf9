/** The questions of servers that nobody has answered. */
import { shownName } from "../hiddenContents.js";
import { textAt } from "../view/members.js";
import { Empty } from "./Empty.js";
import { duration, timeOfDay } from "./format.js";
import type { Shown } from "./view.js";

export function QuestionsView({ feed, isHidden, show }: Shown) {
  const { questions } = feed.traffic;
  if (questions.length === 0) {
    return (
      <Empty title="No open question">
        A question stands here from the moment a server asks for a permission or an input until the
        client answers. Run a prompt that needs a permission to see one.
      </Empty>
    );
  }
  const isOver = feed.greeting?.mode === "file" || feed.state === "ended";
  const now = isOver ? (feed.traffic.rows.at(-1)?.entry.at ?? 0) : Date.now();
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Asked</th>
          <th scope="col">Waiting</th>
          <th scope="col">Method</th>
          <th scope="col">Run</th>
          <th scope="col">Question</th>
          <th scope="col">Message</th>
        </tr>
      </thead>
      <tbody>
        {questions.map((row) => (
          <tr key={row.index} class="open">
            <td>{timeOfDay(row.entry.at)}</td>
            <td>{duration(Math.max(0, now - row.entry.at))}</td>
            <td>{shownName(row.method, isHidden)}</td>
            <td>{shownName(row.run ?? "", isHidden)}</td>
            <td>{isHidden ? "[hidden]" : textOf(row.entry)}</td>
            <td>
              <button type="button" onClick={() => show(row.index)}>
                Show
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function textOf(entry: object): string {
  const params = ["message", "params"] as const;
  return (
    textAt(entry, ...params, "description") ??
    textAt(entry, ...params, "message") ??
    textAt(entry, ...params, "toolCall", "title") ??
    ""
  );
}
