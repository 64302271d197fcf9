/** The frame of the page: its tabs, the switch that hides contents, and what to do where nothing is. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Export } from "./Export.js";
import type { Feed } from "./feed.js";
import { count } from "./format.js";
import { HealthView } from "./HealthView.js";
import { LedgerView } from "./LedgerView.js";
import { ProcessesView } from "./ProcessesView.js";
import { QuestionsView } from "./QuestionsView.js";
import { RunsView } from "./RunsView.js";
import { StderrView } from "./StderrView.js";
import { TrafficView } from "./TrafficView.js";
import type { Shown } from "./view.js";

const tabs = ["Traffic", "Runs", "Ledger", "Questions", "Processes", "Health", "stderr"] as const;
type Tab = (typeof tabs)[number];

export function App({ feed }: { readonly feed: Feed }) {
  const [, draw] = useState(0);
  const [tab, setTab] = useState<Tab>("Traffic");
  const [isHidden, setHidden] = useState(false);
  const [asked, setAsked] = useState<number | undefined>(undefined);
  useEffect(() => feed.listen(() => draw((times) => times + 1)), [feed]);
  useEffect(() => {
    // What waits gets older, also while nothing happens.
    const timer = setInterval(() => draw((times) => times + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const shown: Shown = {
    feed,
    isHidden: isHidden || feed.greeting?.hidden === true,
    show(index) {
      setAsked(index);
      setTab("Traffic");
    },
  };
  if (feed.state === "refused") return <Refused />;
  return (
    <>
      <header>
        <h1>Turnwire inspector</h1>
        <p class="subject">{feed.greeting?.subject}</p>
        <label class="switch">
          <input
            type="checkbox"
            checked={shown.isHidden}
            disabled={feed.greeting?.hidden === true}
            onChange={({ currentTarget }) => setHidden(currentTarget.checked)}
          />
          Hide contents
        </label>
        <Export feed={feed} isHidden={shown.isHidden} />
      </header>
      <Status feed={feed} />
      <main>
        <TabList tab={tab} onTab={setTab} marks={marksOf(feed)} />
        <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
          {tab === "Traffic" && <TrafficView {...shown} asked={asked} />}
          {tab === "Runs" && <RunsView {...shown} />}
          {tab === "Ledger" && <LedgerView {...shown} />}
          {tab === "Questions" && <QuestionsView {...shown} />}
          {tab === "Processes" && <ProcessesView {...shown} />}
          {tab === "Health" && <HealthView {...shown} />}
          {tab === "stderr" && <StderrView {...shown} />}
        </div>
      </main>
    </>
  );
}

function marksOf(feed: Feed): Partial<Record<Tab, string>> {
  const { unacknowledged } = feed.ledger;
  const questions = feed.traffic.questions.length;
  return {
    ...(unacknowledged > 0 && { Ledger: `${unacknowledged} not acknowledged` }),
    ...(questions > 0 && { Questions: `${questions} open` }),
  };
}

interface TabListProps {
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
  readonly marks: Partial<Record<Tab, string>>;
}

function TabList({ tab, onTab, marks }: TabListProps) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const index = tabs.indexOf(tab);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: (index + 1) % tabs.length,
      ArrowLeft: (index + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const to = tabs[steps[event.key] ?? -1];
    if (to === undefined) return;
    event.preventDefault();
    onTab(to);
    list.current?.querySelector<HTMLElement>(`#tab-${to}`)?.focus();
  };
  return (
    <div role="tablist" aria-label="Views" class="tabs" ref={list} onKeyDown={onKeyDown}>
      {tabs.map((name) => (
        <button
          type="button"
          role="tab"
          key={name}
          id={`tab-${name}`}
          aria-selected={name === tab}
          aria-controls="panel"
          tabIndex={name === tab ? 0 : -1}
          onClick={() => onTab(name)}
        >
          {name}
          {marks[name] !== undefined && " "}
          {marks[name] !== undefined && <span class="mark">{marks[name]}</span>}
        </button>
      ))}
    </div>
  );
}

function Status({ feed }: { readonly feed: Feed }) {
  const { cut } = feed.traffic;
  const left = feed.missed + cut;
  let text: ComponentChildren = "";
  if (feed.state === "ended") {
    text = (
      <>
        The inspector has ended. What it has shown stays until you close this page; open a recording
        with <code>turnwire inspect FILE</code>.
      </>
    );
  } else if (left > 0) {
    text = `${count(left, "entry", "entries")} are not kept here; a recording has them.`;
  }
  return (
    <p class="status" role="status">
      {text}
    </p>
  );
}

function Refused() {
  return (
    <main class="empty">
      <h1>Turnwire inspector</h1>
      <p>
        This page opens by the link that <code>turnwire inspect</code> has printed on stderr: it has
        a token at its end. Copy the whole link, or start <code>turnwire inspect</code> again.
      </p>
    </main>
  );
}
