/** The runs as lanes, one a session, and what happened inside a run as a waterfall. */
import { useState } from "preact/hooks";
import { shownName } from "../hiddenContents.js";
import type { Call, PhaseSpan, Run, SessionLane } from "../view/runs.js";
import { tracksOf } from "../view/tracks.js";
import { Empty } from "./Empty.js";
import { count, duration } from "./format.js";
import type { Shown } from "./view.js";

const ranges = {
  everything: 0,
  "last hour": 3_600_000,
  "last 10 minutes": 600_000,
  "last minute": 60_000,
};
const trackHeight = 40;
type Range = keyof typeof ranges;

const phaseNames = {
  accepted: "accepted",
  queued: "queued",
  running: "running",
  permission: "waiting for an answer",
  waiting: "waiting for a server",
  summarizing: "summarizing",
};

export function RunsView({ feed, isHidden }: Shown) {
  const [range, setRange] = useState<Range>("everything");
  const [chosen, choose] = useState<string | undefined>(undefined);
  const { lanes } = feed.runs;
  if (lanes.length === 0) {
    return (
      <Empty title="No run yet">
        A run begins with <code>sendMessage</code>, in a server that speaks Turnwire's protocol.
        Send a prompt with your client.
      </Empty>
    );
  }
  const runs = lanes.flatMap((lane) => lane.runs);
  const isLive = feed.state === "open" && feed.greeting?.mode !== "file";
  const last = Math.max(...runs.map(({ beganAt, endedAt }) => endedAt ?? beganAt));
  const to = isLive && runs.some(({ endedAt }) => endedAt === undefined) ? Date.now() : last;
  const first = Math.min(...runs.map(({ beganAt }) => beganAt));
  const from = ranges[range] === 0 ? first : Math.max(first, to - ranges[range]);
  const scale = { from, to: Math.max(to, from + 1) };
  const run = runs.find(({ key }) => key === chosen);
  return (
    <div class="runs">
      <div class="filter">
        <label>
          Shown
          <select
            value={range}
            onChange={({ currentTarget }) => setRange(currentTarget.value as Range)}
          >
            {Object.keys(ranges).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Legend />
      </div>
      <div class="lanes">
        {lanes.map((lane) => (
          <Lane key={lane.session} lane={lane} scale={scale} {...{ chosen, choose, isHidden }} />
        ))}
      </div>
      {run === undefined ? (
        <p class="hint">Choose a run to see its calls.</p>
      ) : (
        <Waterfall run={run} now={to} isHidden={isHidden} />
      )}
    </div>
  );
}

interface Scale {
  readonly from: number;
  readonly to: number;
}

function Legend() {
  return (
    <ul class="legend" aria-label="Colours">
      {Object.entries(phaseNames).map(([phase, name]) => (
        <li key={phase}>
          <span class={`swatch ${phase}`} aria-hidden="true" /> {name}
        </li>
      ))}
    </ul>
  );
}

interface LaneProps {
  readonly lane: SessionLane;
  readonly scale: Scale;
  readonly chosen: string | undefined;
  readonly choose: (key: string) => void;
  readonly isHidden: boolean;
}

function Lane({ lane, scale, chosen, choose, isHidden }: LaneProps) {
  const runs = lane.runs.filter(({ endedAt }) => (endedAt ?? scale.to) >= scale.from);
  const tracks = tracksOf(runs, scale.to);
  const height = trackHeight * (Math.max(0, ...tracks) + 1);
  const session = shownName(lane.session, isHidden);
  const title = isHidden || lane.title === "" ? session : lane.title;
  return (
    <section class="lane" aria-label={`Session ${title}`}>
      <h2 title={session}>{title}</h2>
      <div class="lane-runs" style={{ height: `${height}px` }}>
        {runs.map((run, index) => (
          <button
            type="button"
            key={run.key}
            class={`run ${run.status ?? "open"}`}
            aria-pressed={run.key === chosen}
            aria-label={nameOf(run, scale.to, isHidden)}
            title={nameOf(run, scale.to, isHidden)}
            style={{
              ...place(run.beganAt, run.endedAt ?? scale.to, scale),
              top: `${(tracks[index] ?? 0) * trackHeight + 5}px`,
            }}
            onClick={() => choose(run.key)}
          >
            {run.phases.map((span) => (
              <Bar key={span.from} span={span} within={runScale(run, scale.to)} />
            ))}
          </button>
        ))}
      </div>
    </section>
  );
}

function runScale(run: Run, now: number): Scale {
  return { from: run.beganAt, to: Math.max(run.endedAt ?? now, run.beganAt + 1) };
}

function Bar({ span, within }: { readonly span: PhaseSpan; readonly within: Scale }) {
  return (
    <span class={`bar ${span.phase}`} style={place(span.from, span.to ?? within.to, within)} />
  );
}

/** Where a span lies in a scale, in percent. */
function place(from: number, to: number, scale: Scale) {
  const whole = scale.to - scale.from;
  const start = Math.max(0, (from - scale.from) / whole);
  const end = Math.min(1, Math.max(start, (to - scale.from) / whole));
  return { left: `${start * 100}%`, width: `${(end - start) * 100}%` };
}

function nameOf(run: Run, now: number, isHidden: boolean): string {
  const took = duration((run.endedAt ?? now) - run.beganAt);
  const phase = phaseNames[run.phases.at(-1)?.phase ?? "accepted"];
  const state = run.status === undefined ? phase : shownName(run.status, isHidden);
  const id = run.run === undefined ? "without an id" : shownName(run.run, isHidden);
  return `Run ${id}: ${state}, ${took}`;
}

interface WaterfallProps {
  readonly run: Run;
  readonly now: number;
  readonly isHidden: boolean;
}

function Waterfall({ run, now, isHidden }: WaterfallProps) {
  const shown = (name: string) => shownName(name, isHidden);
  const scale = runScale(run, now);
  const { usage } = run;
  return (
    <section class="waterfall" aria-label={nameOf(run, now, isHidden)}>
      <h2>{nameOf(run, now, isHidden)}</h2>
      <dl class="facts">
        <Fact name="Cause" value={run.cause && shown(run.cause)} />
        <Fact name="Tokens" value={usage && `${usage.prompt} in, ${usage.completion} out`} />
        <Fact name="From the cache" value={usage && shareOf(usage.cached, usage.prompt)} />
        <Fact name="Cost" value={usage && `$${usage.cost.toFixed(4)}`} />
        <Fact name="Calls" value={count(run.calls.length, "call")} />
      </dl>
      <table>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">State</th>
            <th scope="col">After</th>
            <th scope="col">Took</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {run.phases.map((span) => (
            <Line key={`${span.phase}${span.from}`} span={span} scale={scale} state="">
              {phaseNames[span.phase]}
            </Line>
          ))}
          {run.calls.map((call) => (
            <Line
              key={`${call.kind}${call.id}`}
              span={call}
              scale={scale}
              state={shown(call.state)}
            >
              {call.kind}: {shown(call.name)}
            </Line>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string | undefined }) {
  if (value === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface LineProps {
  readonly span: Call | PhaseSpan;
  readonly scale: Scale;
  readonly state: string;
  readonly children: preact.ComponentChildren;
}

function Line({ span, scale, state, children }: LineProps) {
  const to = span.to ?? scale.to;
  const kind = "phase" in span ? span.phase : span.kind;
  return (
    <tr>
      <th scope="row">{children}</th>
      <td>{state}</td>
      <td>{duration(span.from - scale.from)}</td>
      <td>{duration(to - span.from)}</td>
      <td class="track">
        <span class={`bar ${kind}`} style={place(span.from, to, scale)} />
      </td>
    </tr>
  );
}

function shareOf(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.round((part / whole) * 100)} %`;
}
