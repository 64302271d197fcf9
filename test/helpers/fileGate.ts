// A step of a scripted turn of the offline model that lasts until a test lets it end.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./serverProcess.js";

/** A command that ends once the gate is open, as a line of a script; it must be allowed to run. */
export interface FileGate {
  readonly step: string;
  open(): void;
}

export function fileGate(): FileGate {
  const path = join(makeFolder(), "open");
  const command = `until [ -e '${path}' ]; do sleep 0.05; done`;
  return {
    step: `@tool bash ${JSON.stringify({ command, description: "waits" })}`,
    open: () => writeFileSync(path, ""),
  };
}
