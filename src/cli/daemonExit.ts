/** The exit code where another daemon serves the data directory: a temporary failure of `sysexits.h`. */
export const otherDaemonExitCode = 75;

/** The exit code where no daemon serves: a service that is unavailable, of `sysexits.h`. */
export const noDaemonExitCode = 69;
