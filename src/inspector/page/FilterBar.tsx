/** What decides which rows are shown. */
import { useEffect, useState } from "preact/hooks";
import { shownName } from "../hiddenContents.js";
import { everything, type Filter } from "../view/filter.js";
import type { Traffic } from "../view/traffic.js";
import { count } from "./format.js";

interface Props {
  readonly traffic: Traffic;
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
  readonly isHidden: boolean;
  readonly shown: number;
  readonly isPaused: boolean;
  readonly waiting: number;
  readonly onPause: () => void;
}

/** Options of a list of choices beyond which nobody looks. */
const mostChoices = 500;
const typingMs = 150;

export function FilterBar(props: Props) {
  const { traffic, filter, onFilter, isHidden, shown, isPaused, waiting } = props;
  const pipes = new Set([...traffic.pipes].filter((pipe) => pipe !== ""));
  const change = (part: Partial<Filter>) => onFilter({ ...filter, ...part });
  return (
    <search aria-label="Filter" class="filter">
      <TextField label="Method" value={filter.method} onValue={(method) => change({ method })} />
      <TextField label="Text" value={filter.text} onValue={(text) => change({ text })} />
      {pipes.size > 1 && (
        <Choice
          label="Server"
          value={filter.pipe}
          choices={pipes}
          isHidden={false}
          onValue={(pipe) => change({ pipe })}
        />
      )}
      <Choice
        label="Session"
        value={filter.session}
        choices={traffic.sessions}
        isHidden={isHidden}
        onValue={(session) => change({ session })}
      />
      <Choice
        label="Run"
        value={filter.run}
        choices={traffic.runs}
        isHidden={isHidden}
        onValue={(run) => change({ run })}
      />
      <label class="switch">
        <input
          type="checkbox"
          checked={filter.onlyInvalid}
          onChange={({ currentTarget }) => change({ onlyInvalid: currentTarget.checked })}
        />
        Only invalid
      </label>
      <button type="button" onClick={() => onFilter(everything)}>
        Clear
      </button>
      <button type="button" aria-pressed={isPaused} onClick={props.onPause}>
        Pause
      </button>
      <output>
        {count(shown, "row")}
        {waiting > 0 && `, ${waiting.toLocaleString("en")} waiting`}
      </output>
    </search>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

/** Takes effect when nobody types for a moment. */
function TextField({ label, value, onValue }: FieldProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onValue(text), typingMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label>
      {label}
      <input
        type="search"
        value={text}
        spellcheck={false}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps extends FieldProps {
  readonly choices: ReadonlySet<string>;
  readonly isHidden: boolean;
}

function Choice({ label, value, choices, isHidden, onValue }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => onValue(currentTarget.value)}>
        <option value="">all</option>
        {[...choices].slice(-mostChoices).map((choice) => (
          <option key={choice} value={choice}>
            {shownName(choice, isHidden)}
          </option>
        ))}
      </select>
    </label>
  );
}
