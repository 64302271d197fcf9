/** How each server is: what it tells about itself. */
import { Empty } from "./Empty.js";
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
      {states.map(({ pipe, health = [] }) => (
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
        </section>
      ))}
    </>
  );
}
