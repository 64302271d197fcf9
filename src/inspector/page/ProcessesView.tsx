/** The processes of each server, with their memory. */
import { Empty } from "./Empty.js";
import { count } from "./format.js";
import type { Shown } from "./view.js";

export function ProcessesView({ feed }: Shown) {
  const states = [...feed.states.values()].filter(({ processes }) => processes !== undefined);
  if (states.length === 0) {
    return (
      <Empty title="No processes">
        {feed.greeting?.mode === "file"
          ? "A recording does not tell which processes there were. Look at a server that runs."
          : "Processes are told every few seconds while a server runs, on Linux only."}
      </Empty>
    );
  }
  return (
    <>
      {states.map(({ pipe, processes = [] }) => (
        <section key={pipe}>
          <h2>{feed.commands.get(pipe) ?? pipe}</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Process</th>
                <th scope="col">Parent</th>
                <th scope="col">Program</th>
                <th scope="col">Memory</th>
              </tr>
            </thead>
            <tbody>
              {processes.map(({ pid, parent, name, megabytes }) => (
                <tr key={pid}>
                  <th scope="row">{pid}</th>
                  <td>{parent}</td>
                  <td>{name}</td>
                  <td>{megabytes.toFixed(1)} MB</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="hint">{count(processes.length, "process", "processes")}</p>
        </section>
      ))}
    </>
  );
}
