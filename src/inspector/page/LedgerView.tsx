/** The completions: what is unacknowledged comes first, and stands out. */
import { useRef, useState } from "preact/hooks";
import { shownName } from "../hiddenContents.js";
import type { Completion } from "../view/ledger.js";
import { Empty } from "./Empty.js";
import { count, duration, timeOfDay } from "./format.js";
import type { Shown } from "./view.js";

/** Rows that anybody reads; a longer ledger is told by its number. */
const mostRows = 500;

export function LedgerView({ feed, isHidden }: Shown) {
  const [said, say] = useState("");
  const [asked, ask] = useState<Completion | undefined>(undefined);
  const { completions, unacknowledged } = feed.ledger;
  if (completions.length === 0) {
    return (
      <Empty title="No completion yet">
        Every run of a Turnwire server ends with <code>runComplete</code>, and stands here until its
        client has sent <code>acknowledge</code>. Send a prompt, and wait for its end.
      </Empty>
    );
  }
  const canAct = feed.greeting?.canAct === true;
  const act = async (what: "redeliver" | "acknowledge", { completionId }: Completion) => {
    try {
      await feed.act({ what, completionId });
      say(`${completionId}: ${what === "redeliver" ? "is delivered again" : "is acknowledged"}.`);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  // In a recording, time has stopped.
  const isOver = feed.greeting?.mode === "file" || feed.state === "ended";
  const now = isOver ? (feed.traffic.rows.at(-1)?.entry.at ?? 0) : Date.now();
  return (
    <div class="ledger">
      <p class={unacknowledged > 0 ? "warning" : "hint"}>
        {unacknowledged > 0 ? (
          <Missing number={unacknowledged} />
        ) : (
          "Every completion is acknowledged."
        )}
      </p>
      {!canAct && unacknowledged > 0 && (
        <p class="hint">
          To deliver one again or to acknowledge it from here, start the server with{" "}
          <code>turnwire serve --inspect</code>, and look into its data directory with{" "}
          <code>turnwire inspect --data-dir DIR</code>.
        </p>
      )}
      <p role="status">{said}</p>
      <div class="scroll">
        <table>
          <Head canAct={canAct} />
          <tbody>
            {completions.slice(0, mostRows).map((one) => (
              <tr key={one.completionId} class={one.acknowledgedAt === undefined ? "open" : ""}>
                <Cells completion={one} now={now} isHidden={isHidden} />
                {canAct && (
                  <td>
                    {one.acknowledgedAt === undefined && (
                      <>
                        <button type="button" onClick={() => void act("redeliver", one)}>
                          Deliver again
                        </button>
                        <button type="button" onClick={() => ask(one)}>
                          Acknowledge…
                        </button>
                      </>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {completions.length > mostRows && <p>{count(completions.length - mostRows, "older one")}.</p>}
      {asked !== undefined && (
        <Question
          name={shownName(asked.run ?? asked.completionId, isHidden)}
          onAnswer={(isMeant) => {
            ask(undefined);
            if (isMeant) void act("acknowledge", asked);
          }}
        />
      )}
    </div>
  );
}

function Missing({ number }: { readonly number: number }) {
  return (
    <>
      {count(number, "completion")} not acknowledged. The client must send <code>acknowledge</code>{" "}
      with each <code>completionId</code> when it has handled it; until then the server keeps it,
      and delivers it again.
    </>
  );
}

function Head({ canAct }: { readonly canAct: boolean }) {
  const names = ["Sequence", "Run", "Status", "Attempts", "Ended", "Acknowledged", "Waiting"];
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col" key={name}>
            {name}
          </th>
        ))}
        {canAct && <th scope="col">Actions</th>}
      </tr>
    </thead>
  );
}

interface CellsProps {
  readonly completion: Completion;
  readonly now: number;
  readonly isHidden: boolean;
}

function Cells({ completion, now, isHidden }: CellsProps) {
  const { status, cause, errorName, acknowledgedAt, firstAt } = completion;
  const shown = (name: string) => shownName(name, isHidden);
  const why = [cause, errorName]
    .flatMap((part) => (part === undefined ? [] : [shown(part)]))
    .join(", ");
  return (
    <>
      <th scope="row">{completion.sequence}</th>
      <td title={`${shown(completion.completionId)} in ${shown(completion.session)}`}>
        {shown(completion.run ?? completion.completionId)}
      </td>
      <td>{why === "" ? shown(status) : `${shown(status)} (${why})`}</td>
      <td>{completion.attempts}</td>
      <td>{timeOfDay(firstAt)}</td>
      <td>
        {acknowledgedAt === undefined ? (
          <strong class="badge">not acknowledged</strong>
        ) : (
          `${timeOfDay(acknowledgedAt)} by ${shown(completion.acknowledgedBy ?? "") || "its client"}`
        )}
      </td>
      <td>{duration(Math.max(0, (acknowledgedAt ?? now) - firstAt))}</td>
    </>
  );
}

interface QuestionProps {
  readonly name: string;
  readonly onAnswer: (isMeant: boolean) => void;
}

/** Acknowledging takes a completion from its client for good, so it is asked for. */
function Question({ name, onAnswer }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement | null>(null);
  return (
    <dialog
      aria-labelledby="question"
      ref={(element) => {
        dialog.current = element;
        if (element !== null && !element.open) element.showModal();
      }}
      onClose={() => onAnswer(false)}
    >
      <h2 id="question">Acknowledge {name}?</h2>
      <p>
        Its client will never get this completion again. Do this only if the client has handled it,
        or will never come back.
      </p>
      <div class="actions">
        <button type="button" onClick={() => onAnswer(false)}>
          Leave it
        </button>
        <button type="button" class="danger" onClick={() => onAnswer(true)}>
          Acknowledge
        </button>
      </div>
    </dialog>
  );
}
