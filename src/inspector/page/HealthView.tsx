/** How each server is: what it tells about itself, and what waits for its clients. */
import type { ClientLoad } from "../../base/clientLoad.js";
import { Empty } from "./Empty.js";
import { count } from "./format.js";
import type { Shown } from "./view.js";

export function HealthView({ feed }: Shown) {
  const states = [...feed.states.values()].filter(({ health }) => health !== undefined);
  if (states.length === 0) {
    return (
      <Empty title="No figures">
        Figures come from Turnwire servers to which this page is attached. Start one with{" "}
        <code>turnwire serve --inspect</code>, then <code>turnwire inspect</code>.
      </Empty>
    );
  }
  return (
    <>
      {states.map(({ pipe, health = [], clients = [] }) => (
        <section key={pipe}>
          <h2>{feed.commands.get(pipe) ?? pipe}</h2>
          <dl class="facts wide">
            {health.map(({ name, value }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          {clients.length > 0 && <Clients clients={clients} />}
        </section>
      ))}
    </>
  );
}

const columns = [
  "Client",
  "Connection",
  "Not read by it",
  "Its messages that wait",
  "Events that wait",
  "Merged",
  "Dropped",
];

function Clients({ clients }: { readonly clients: readonly ClientLoad[] }) {
  return (
    <>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {clients.map((one, index) => (
            <tr key={one.pipe ?? index} class={one.dropped > 0 ? "open" : ""}>
              <th scope="row">{one.clientId}</th>
              <td>{one.pipe || "stdio"}</td>
              <td>{count(one.unread ?? 0, "character")}</td>
              <td>{(one.received ?? 0).toLocaleString("en")}</td>
              <td>
                {one.events} ({count(one.eventText, "character")})
              </td>
              <td>{one.merged.toLocaleString("en")}</td>
              <td>{one.dropped.toLocaleString("en")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        A client that does not read lets events wait here: they are merged, and the oldest are
        dropped when too many wait. Completions are never dropped.
      </p>
    </>
  );
}
