/** A list of any length, of which only what is seen is in the document. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

const rowHeight = 26;
/** Rows above and below what is seen. */
const beyond = 8;

interface Props<T> {
  readonly items: readonly T[];
  readonly label: string;
  readonly selected: number;
  /** Whether the end is kept in view as items come. */
  readonly follows: boolean;
  readonly keyOf: (item: T) => number | string;
  readonly classOf?: (item: T) => string;
  readonly children: (item: T) => ComponentChildren;
  readonly onSelect: (index: number) => void;
  readonly onScrolledAway?: (isAtEnd: boolean) => void;
  /** Keys beyond those that move the selection. */
  readonly onKey?: (key: string) => boolean;
}

export function VirtualList<T>(props: Props<T>) {
  const { items, label, selected, follows } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    setHeight(element.clientHeight);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = items.length * rowHeight;
  }, [items.length, follows]);
  const first = Math.max(0, Math.floor(top / rowHeight) - beyond);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + beyond);
  const move = (to: number) => {
    const index = Math.max(0, Math.min(items.length - 1, to));
    props.onSelect(index);
    const element = box.current;
    if (element === null) return;
    const at = index * rowHeight;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = at + rowHeight - element.clientHeight;
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: selected + 1,
      ArrowUp: selected - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: items.length - 1,
    };
    const to = steps[event.key];
    if (to === undefined && props.onKey?.(event.key) !== true) return;
    event.preventDefault();
    if (to !== undefined && items.length > 0) move(to);
  };
  const activeId = selected >= first && selected < last ? `${label}-${selected}` : undefined;
  return (
    <div
      class="list"
      ref={box}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={activeId?.replaceAll(" ", "-")}
      onKeyDown={onKeyDown}
      onScroll={({ currentTarget }) => {
        setTop(currentTarget.scrollTop);
        const { scrollTop, clientHeight, scrollHeight } = currentTarget;
        props.onScrolledAway?.(scrollTop + clientHeight >= scrollHeight - rowHeight);
      }}
    >
      <div
        class="list-space"
        role="presentation"
        style={{ height: `${items.length * rowHeight}px` }}
      >
        {items.slice(first, last).map((item, offset) => {
          const index = first + offset;
          return (
            <div
              class={`list-row ${props.classOf?.(item) ?? ""}`}
              key={props.keyOf(item)}
              id={`${label}-${index}`.replaceAll(" ", "-")}
              role="option"
              tabIndex={-1}
              aria-selected={index === selected}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${index * rowHeight}px)` }}
              onClick={() => {
                props.onSelect(index);
                box.current?.focus();
              }}
              onKeyDown={() => {}}
            >
              {props.children(item)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
