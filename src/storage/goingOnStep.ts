/** A file with at least this many schema steps has what going on with a run needs. */
export const goingOnFrom = 19;

/**
 * Runs that outlive their server (protocol.md section 4, Going on after a loss): who has them, and what
 * is needed to go on with them.
 */
export const goingOnStep = `
ALTER TABLE runs ADD COLUMN goesOn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN continuations INTEGER NOT NULL DEFAULT 0;
CREATE TABLE goingOn (
  run INTEGER PRIMARY KEY,
  terms TEXT NOT NULL,
  progress TEXT,
  adoptions INTEGER NOT NULL DEFAULT 0,
  loads INTEGER NOT NULL DEFAULT 0,
  waitingSince INTEGER,
  cancelledBy TEXT,
  commandMark TEXT
) STRICT;
CREATE INDEX waitingRuns ON goingOn (waitingSince) WHERE waitingSince IS NOT NULL;
CREATE TABLE resumableWorkspaces (
  workspaceId TEXT PRIMARY KEY,
  options TEXT NOT NULL
) STRICT;
`;
