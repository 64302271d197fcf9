/** The messages, newest at the end, with what each says beside the list. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { EndEntry } from "../entries.js";
import { shownName } from "../hiddenContents.js";
import { everything, type Filter, FilteredRows } from "../view/filter.js";
import { isOfClient } from "../view/pipes.js";
import type { Row } from "../view/traffic.js";
import { Empty } from "./Empty.js";
import { FilterBar } from "./FilterBar.js";
import { nextFrame } from "./feed.js";
import { duration, size, timeOfDay } from "./format.js";
import { RowDetail } from "./RowDetail.js";
import { VirtualList } from "./VirtualList.js";
import type { Shown } from "./view.js";

interface Props extends Shown {
  /** The row that another view wants to be seen. */
  readonly asked: number | undefined;
}

export function TrafficView({ feed, isHidden, asked }: Props) {
  const [filter, setFilter] = useState<Filter>(everything);
  const [isPaused, setPaused] = useState(false);
  const [isAtEnd, setAtEnd] = useState(asked === undefined);
  const [selected, setSelected] = useState<number | undefined>(asked);
  const { rows, waiting } = useRows(feed.traffic, filter, isPaused, isHidden);
  const view = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (asked === undefined) return;
    setSelected(asked);
    setFilter(everything);
    setAtEnd(false);
  }, [asked]);
  const index = selected === undefined ? -1 : indexOf(rows, selected);
  const row = selected === undefined ? undefined : feed.traffic.row(selected);
  const jump = () => {
    if (row?.partner === undefined) return false;
    if (indexOf(rows, row.partner.index) === -1) setFilter(everything);
    setSelected(row.partner.index);
    setAtEnd(false);
    return true;
  };
  useEffect(() => {
    // What was chosen elsewhere comes into view, and stays there when the list becomes shorter.
    const list = view.current?.querySelector(".list");
    if (index < 0 || list === null || list === undefined) return;
    const at = index * 26;
    if (at < list.scrollTop || at > list.scrollTop + list.clientHeight - 26) {
      list.scrollTop = at - list.clientHeight / 2;
    }
  }, [index, row === undefined]);
  const onKey = (key: string) => {
    if (key === "o") return jump();
    if (key === "p") setPaused(!isPaused);
    return key === "p";
  };
  return (
    <div class="traffic" ref={view}>
      <FilterBar
        traffic={feed.traffic}
        filter={filter}
        onFilter={setFilter}
        isHidden={isHidden}
        shown={rows.length}
        isPaused={isPaused}
        waiting={waiting}
        onPause={() => setPaused(!isPaused)}
      />
      <div class="columns">
        {feed.traffic.rows.length === 0 ? (
          <Nothing mode={feed.greeting?.mode} />
        ) : (
          <div class="list-side">
            <Head />
            <VirtualList
              items={rows}
              label="Messages"
              selected={index}
              follows={isAtEnd && !isPaused}
              keyOf={({ index: key }) => key}
              classOf={classOf}
              onSelect={(at) => setSelected(rows[at]?.index)}
              onScrolledAway={setAtEnd}
              onKey={onKey}
            >
              {(item) => <Cells row={item} isHidden={isHidden} />}
            </VirtualList>
          </div>
        )}
        {row !== undefined && (
          <RowDetail
            row={row}
            isHidden={isHidden}
            onJump={jump}
            onClose={() => setSelected(undefined)}
          />
        )}
      </div>
    </div>
  );
}

/** The rows that fit; they are looked for bit by bit, so that nothing stutters. */
function useRows(
  traffic: Shown["feed"]["traffic"],
  filter: Filter,
  isPaused: boolean,
  isHidden: boolean,
) {
  const found = useMemo(
    () => new FilteredRows(traffic, filter, isHidden),
    [traffic, filter, isHidden],
  );
  const [, draw] = useState(0);
  const total = traffic.cut + traffic.rows.length;
  // Where the list was stopped. What is looked for meanwhile is found in the rows before.
  const stop = useRef<number | undefined>(undefined);
  stop.current = isPaused ? (stop.current ?? total) : undefined;
  const isLooking = useRef(false);
  const advance = async () => {
    if (isLooking.current) return;
    isLooking.current = true;
    while (found.advance(stop.current)) {
      await nextFrame();
      draw((times) => times + 1);
    }
    isLooking.current = false;
  };
  found.advance(stop.current);
  void advance();
  return { rows: found.rows, waiting: total - (stop.current ?? total) };
}

/** Rows are in the order of their indexes. */
function indexOf(rows: readonly Row[], index: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = rows[middle]?.index ?? 0;
    if (found === index) return middle;
    if (found < index) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The names of the columns; each row says itself what it is to whoever cannot see them. */
function Head() {
  return (
    <div class="list-head" aria-hidden="true">
      <span class="time">Time</span>
      <span class="way">Way</span>
      <span class="method">Method</span>
      <span class="id">Id</span>
      <span class="ms">Took</span>
      <span class="bytes">Size</span>
    </div>
  );
}

function Cells({ row, isHidden }: { readonly row: Row; readonly isHidden: boolean }) {
  return (
    <>
      <span class="cell time">{timeOfDay(row.entry.at)}</span>
      <span class={`cell way ${row.from ?? "none"}`} aria-hidden="true">
        {wayOf(row)}
      </span>
      <span class="unseen">{spokenWayOf(row)}</span>
      <span class="cell method">{titleOf(row, isHidden)}</span>
      <span class="cell id">{shownId(row, isHidden)}</span>
      <span class="cell ms">{row.ms === undefined ? waitingOf(row) : duration(row.ms)}</span>
      <span class="cell bytes">{row.bytes > 0 ? size(row.bytes) : ""}</span>
      {row.invalid !== undefined && <span class="unseen">not valid, {row.invalid}</span>}
    </>
  );
}

function wayOf({ from, kind }: Row): string {
  const arrow = from === "client" ? "→" : from === "server" ? "←" : "";
  return (
    { request: `${arrow} ask`, response: `${arrow} answer`, notification: `${arrow} tell` }[
      kind as string
    ] ?? `${arrow} ${kind}`
  );
}

/** The same for whoever hears the page. */
function spokenWayOf({ from, kind }: Row): string {
  return from === undefined ? kind : `${kind} from the ${from}`;
}

function waitingOf({ kind, partner }: Row): string {
  return kind === "request" && partner === undefined ? "open" : "";
}

/** An id may be a text of anybody's; it is shown as JSON. */
function shownId({ id = "" }: Row, isHidden: boolean): string {
  return id.startsWith('"') ? shownName(id.slice(1, -1), isHidden) : id;
}

function titleOf(row: Row, isHidden: boolean): string {
  const { entry, deltas } = row;
  const method = shownName(row.method, isHidden);
  if (deltas !== undefined && deltas.count > 1) return `${method} × ${deltas.count}`;
  if (row.isError) return `${method} failed`;
  if (method !== "") return method;
  if (entry.kind === "stderr") return "a line on stderr";
  if (entry.kind === "start") return "the server was started";
  if (entry.kind === "end") return endOf(entry);
  if (entry.kind === "gap") return `${size(entry.bytes)} were not looked at`;
  if (entry.kind === "missed") {
    return entry.count === 1
      ? "1 message was left out here"
      : `${entry.count} messages were left out here`;
  }
  return row.invalid ?? "an answer";
}

function endOf({ pipe = "", signal, code }: EndEntry): string {
  if (isOfClient(pipe)) return "the client has gone";
  const how = signal ?? code;
  return how === undefined ? "the server has ended" : `the server has ended (${how})`;
}

function classOf(row: Row): string {
  const isBad = row.invalid !== undefined || row.kind === "gap" || row.kind === "missed";
  return [isBad ? "invalid" : "", row.isError ? "failed" : ""].join(" ");
}

function Nothing({ mode }: { readonly mode: string | undefined }) {
  return (
    <Empty title="No message yet">
      {mode === "file"
        ? "The recording has no messages. Was the server's command the right one?"
        : "Messages appear here as soon as one of the two sides says something. Use your client as always."}
    </Empty>
  );
}
