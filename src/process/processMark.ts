// How to recognise a process that a command began, also after it has left its group and session.
//
// It carries two marks. One is a variable of its environment, which every child inherits unless it
// is given an empty one. The other is a resource limit, the number of file locks, which Linux keeps
// for every process but has not used since 2.4.25. It is inherited through `fork`, `exec`, `setsid`
// and `env -i` alike, and a process without privileges cannot raise it again.
import { createHash } from "node:crypto";

/** The variable that marks every process begun by a tool; children inherit it. */
export const processMarkerVariable = "TURNWIRE_PROCESS";

/** The marks of one command's processes. */
export interface ProcessMark {
  /** The value of {@link processMarkerVariable}. */
  readonly variable: string;
  /** The limit on file locks, in decimal digits. */
  readonly fileLocks: string;
}

/** Digits of a limit that tell one command of an owner from another. */
const commandDigits = 6;

/** Makes the marks of one owner's commands. */
export class ProcessMarks {
  /** The beginning of the variable's value, for each of its commands. */
  readonly variablePrefix: string;
  /** A POSIX extended regular expression for the limit of each of its commands. */
  readonly fileLocksPattern: string;
  readonly #ownerDigits: string;
  #lastCommand = 0;

  /** @param owner unique among all servers. */
  constructor(owner: string) {
    this.variablePrefix = `${owner}.`;
    const number = createHash("sha256").update(owner).digest().readUInt32BE(0);
    // Ten digits, the first not zero. With the command's digits the number stays below 2^63.
    this.#ownerDigits = String(1_000_000_000 + number);
    this.fileLocksPattern = `${this.#ownerDigits}[0-9]{${commandDigits}}`;
  }

  /** Makes the marks of one more command. */
  next(): ProcessMark {
    this.#lastCommand = (this.#lastCommand + 1) % 10 ** commandDigits;
    const command = String(this.#lastCommand).padStart(commandDigits, "0");
    return {
      variable: `${this.variablePrefix}${command}`,
      fileLocks: `${this.#ownerDigits}${command}`,
    };
  }
}

/**
 * Shell text that sets the limit of a mark for the shell and everything that it begins. bash and
 * dash use different letters for it. A shell that knows neither, or a kernel that refuses, goes on
 * without the limit.
 */
export function setFileLocks({ fileLocks }: ProcessMark): string {
  return `{ ulimit -x ${fileLocks} || ulimit -w ${fileLocks}; } 2>/dev/null`;
}
