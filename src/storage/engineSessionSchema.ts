/** The sessions of engines that keep their own: one row for each session whose turns another agent's program has run. */
export const engineSessionSchema = `
CREATE TABLE engineSessions (
  sessionId TEXT PRIMARY KEY,
  engine TEXT NOT NULL,
  ownId TEXT NOT NULL,
  upTo TEXT
) STRICT, WITHOUT ROWID;
CREATE TRIGGER engineSessionGoesWithSession AFTER DELETE ON sessions
BEGIN
  DELETE FROM engineSessions WHERE sessionId = OLD.id;
END;
`;
