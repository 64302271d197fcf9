/** The exit code where another daemon serves the data directory: a temporary failure of `sysexits.h`. */
export const otherDaemonExitCode = 75;
