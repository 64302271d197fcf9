/** How `turnwire doctor` tells what it finds: as lines for a person, or as one object for a program. */
import type { ProbeResult } from "./probeResult.js";
import { visibleLine } from "./visibleText.js";

/** The versions that a report begins with. */
export interface DoctorVersions {
  readonly turnwire: string;
  readonly protocol: number;
  readonly node: string;
  readonly platform: string;
}

/** Where `doctor` reports. */
export interface DoctorReport {
  /** Something that is as it is. */
  fact(subject: string, text: string): void;
  /** Something that would keep a server or an agent from working. */
  problem(subject: string, text: string): void;
  /** What was asked with `--probe`. What failed is a problem. */
  probes(results: readonly ProbeResult[]): void;
  /** Ends the report. The exit code: 0, or 1 if there was a problem. */
  end(): number;
}

const subjects: Readonly<Record<string, string>> = {
  model: "asked",
  toolServer: "started",
  engine: "engine",
};

/** One line for each. */
export class TextReport implements DoctorReport {
  readonly #write: (line: string) => void;
  #problems = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  fact(subject: string, text: string): void {
    this.#write(`${subject.padEnd(16)}${visibleLine(text)}`);
  }

  problem(subject: string, text: string): void {
    this.#problems += 1;
    this.fact(subject, `PROBLEM: ${text}`);
  }

  probes(results: readonly ProbeResult[]): void {
    for (const { kind, name, milliseconds, ok, text } of results) {
      const subject = subjects[kind] ?? kind;
      if (ok) this.fact(subject, `${name}: ${text} (${Math.round(milliseconds)} ms)`);
      else this.problem(subject, `${name}: ${text}`);
    }
  }

  end(): number {
    this.#write(this.#problems === 0 ? "all well" : `${this.#problems} to put right`);
    return this.#problems === 0 ? 0 : 1;
  }
}

/** One object on one line, at the end: `{ok, versions, findings, probes?}`. */
export class JsonReport implements DoctorReport {
  readonly #versions: DoctorVersions;
  readonly #write: (line: string) => void;
  readonly #findings: { subject: string; ok: boolean; text: string }[] = [];
  #probes: readonly ProbeResult[] | undefined;

  constructor(versions: DoctorVersions, write: (line: string) => void) {
    this.#versions = versions;
    this.#write = write;
  }

  fact(subject: string, text: string): void {
    this.#findings.push({ subject, ok: true, text });
  }

  problem(subject: string, text: string): void {
    this.#findings.push({ subject, ok: false, text });
  }

  probes(results: readonly ProbeResult[]): void {
    this.#probes = results;
  }

  end(): number {
    const ok = [...this.#findings, ...(this.#probes ?? [])].every((found) => found.ok);
    const { turnwire, protocol, node, platform } = this.#versions;
    const versions = { turnwire, protocol, node, platform };
    const report = { ok, versions, findings: this.#findings, probes: this.#probes };
    this.#write(JSON.stringify(report));
    return ok ? 0 : 1;
  }
}
