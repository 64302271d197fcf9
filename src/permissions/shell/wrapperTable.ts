/** How a program that runs another is read. */
export interface Wrapper {
  /** Options that take the next word as their value. */
  readonly valued?: readonly string[];
  /** Options that stand alone, or hold their value. */
  readonly flags?: RegExp;
  /**
   * How many words before the inner command belong to the program itself, such as the duration of
   * `timeout`.
   */
  readonly positional?: number;
  /** Whether `NAME=value` may stand before the command. */
  readonly takesAssignments?: boolean;
  /** Whether it adds arguments to the inner command. */
  readonly addsArguments?: boolean;
  /** Whether running it has no other effect than running the inner command. */
  readonly isTransparent?: boolean;
  /** An option whose value is replaced, everywhere in the command, by the text that is read. */
  readonly replaces?: string;
  /** Whether the command runs in another folder or root. */
  readonly moves?: boolean;
}

/** Programs that run their arguments as a command. Options not listed here make a line undecided. */
export const wrappers: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  [
    "timeout",
    {
      valued: ["-k", "-s", "--kill-after", "--signal"],
      flags: /^(?:-[ks].+|-v|--(?:kill-after|signal)=.*|--(?:foreground|preserve-status|verbose))$/,
      positional: 1,
      isTransparent: true,
    },
  ],
  ["nice", { valued: ["-n", "--adjustment"], flags: /^-(?:n?-?\d+)$/, isTransparent: true }],
  ["nohup", { isTransparent: true }],
  ["stdbuf", { valued: ["-i", "-o", "-e"], flags: /^(?:-[ioe].+|--\w+=.*)$/, isTransparent: true }],
  ["ionice", { valued: ["-c", "-n"], flags: /^(?:-[cn]\d|-t)$/, isTransparent: true }],
  ["command", { flags: /^-p$/, isTransparent: true }],
  ["builtin", { isTransparent: true }],
  // `-a` and `-l` are left out: a program such as git does something else under another name.
  ["exec", { flags: /^-c$/, isTransparent: true }],
  ["time", { valued: ["-f", "-o"], flags: /^-[apv]+$/ }],
  ["setsid", { flags: /^(?:-[cfw]+|--(?:ctty|fork|wait))$/ }],
  [
    "env",
    {
      valued: ["-u", "--unset"],
      flags: /^(?:-|-i|-0|-v|--ignore-environment|--unset=.*)$/,
      takesAssignments: true,
    },
  ],
  [
    "sudo",
    {
      valued: ["-u", "-g", "-h", "-p", "-C", "-T", "-U", "--user", "--group"],
      flags: /^(?:-[AbEHknPS]+|--(?:user|group)=.*|--(?:preserve-env|non-interactive)(?:=.*)?)$/,
      takesAssignments: true,
    },
  ],
  ["doas", { valued: ["-u", "-C"], flags: /^-[nL]+$/ }],
  [
    "xargs",
    {
      valued: ["-I", "-n", "-P", "-d", "-L", "-s", "-E", "-a", "--max-args", "--max-procs"],
      flags: /^(?:-[0rtpx]+|-[nPdLlsE].+|-l|--(?:null|no-run-if-empty|verbose)|--max-[\w-]+=.*)$/,
      addsArguments: true,
      replaces: "-I",
    },
  ],
  ["strace", { valued: ["-e", "-o", "-p", "-s"], flags: /^-[fqcTtry]+$/ }],
  ["taskset", { flags: /^-[ac]+$/, positional: 1 }],
  ["chroot", { positional: 1, moves: true }],
  ["flock", { valued: ["-w", "-E"], flags: /^-[nsxeuo]+$/, positional: 1 }],
  ["busybox", {}],
  ["toybox", {}],
  ["coreutils", {}],
  ["unbuffer", {}],
  ["xvfb-run", { flags: /^-a$/ }],
]);

/** Programs that run commands in their own ways; what they run can only be guessed. */
export const looseWrappers: ReadonlySet<string> = new Set([
  "parallel",
  "watch",
  "script",
  "su",
  "runuser",
  "ssh",
  "unshare",
  "nsenter",
  "entr",
  "setpriv",
  "systemd-run",
  "chrt",
  "ltrace",
  "rlwrap",
  "proot",
  "firejail",
  "bwrap",
  "torify",
  "proxychains",
  "caffeinate",
  "pkexec",
  "run0",
]);

/** Shells; the first three speak the language that is taken apart here. */
export const knownShells: ReadonlySet<string> = new Set(["sh", "bash", "dash"]);
export const otherShells: ReadonlySet<string> = new Set([
  "zsh",
  "ksh",
  "mksh",
  "ash",
  "fish",
  "csh",
]);
