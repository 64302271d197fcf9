/** JSON that folds. What is folded is not in the document. */
import { useState } from "preact/hooks";

/** Members that are shown before the rest is asked for. */
const atOnce = 200;
const longestText = 20_000;

interface Props {
  readonly value: unknown;
  readonly name?: string;
  readonly depth?: number;
}

export function JsonTree({ value, name, depth = 0 }: Props) {
  if (typeof value !== "object" || value === null) {
    return (
      <div class="json-leaf">
        {name !== undefined && <span class="json-name">{name}: </span>}
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch value={value} depth={depth} {...(name === undefined ? {} : { name })} />;
}

function Branch({ value, name, depth = 0 }: Props & { readonly value: object }) {
  const [isOpen, setOpen] = useState(depth < 3);
  const [shown, setShown] = useState(atOnce);
  const isList = Array.isArray(value);
  const members = Object.entries(value);
  const kind = isList ? `[${members.length}]` : `{${members.length}}`;
  return (
    <details
      class="json-branch"
      open={isOpen}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary>
        {name !== undefined && <span class="json-name">{name}: </span>}
        <span class="json-kind">{kind}</span>
      </summary>
      {isOpen &&
        members
          .slice(0, shown)
          .map(([key, member]) => (
            <JsonTree key={key} value={member} name={key} depth={depth + 1} />
          ))}
      {isOpen && members.length > shown && (
        <button type="button" onClick={() => setShown(shown + 10 * atOnce)}>
          Show more of {members.length} members
        </button>
      )}
    </details>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  if (typeof value !== "string") {
    return <span class={`json-${typeof value}`}>{String(value)}</span>;
  }
  const isCut = value.length > longestText && !isWhole;
  return (
    <>
      <span class="json-string">{isCut ? value.slice(0, longestText) : value}</span>
      {isCut && (
        <button type="button" onClick={() => setWhole(true)}>
          Show all {value.length} characters
        </button>
      )}
    </>
  );
}
