/**
 * Relays (docs/fleet.md): how far each has come, and what it has set aside. No program deletes a
 * completion that a relay has not taken, not even one that does not know of relays.
 */
export const relaySchema = `
CREATE TABLE relays (
  name TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL DEFAULT 0,
  registeredAt INTEGER NOT NULL,
  refusals INTEGER NOT NULL DEFAULT 0,
  refusedSince INTEGER,
  trouble TEXT,
  troubleSince INTEGER,
  isStopped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE setAside (
  relay TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  completionId TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  isAsked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sequence, relay)
) STRICT;
CREATE TRIGGER completionsStayForRelays BEFORE DELETE ON completions
WHEN EXISTS (SELECT 1 FROM relays WHERE cursor < OLD.sequence)
  OR EXISTS (SELECT 1 FROM setAside WHERE sequence = OLD.sequence)
BEGIN
  SELECT RAISE(IGNORE);
END;
`;
