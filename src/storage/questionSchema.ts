/** A file with fewer steps has no place for questions. */
export const questionsFrom = 18;

/**
 * Open questions that may wait for their client (protocol.md section 7). A question ends with its run at the
 * latest, whichever server ends that. `expiresAt` is null while the client is connected, as far as the
 * server of the run knows.
 */
export const questionSchema = `
ALTER TABLE runs ADD COLUMN permissionSeconds INTEGER;
CREATE TABLE questions (
  permissionId TEXT PRIMARY KEY,
  run INTEGER NOT NULL,
  clientId TEXT NOT NULL,
  serverId TEXT NOT NULL,
  body TEXT NOT NULL,
  askedAt INTEGER NOT NULL,
  expiresAt INTEGER,
  answer TEXT
) STRICT;
CREATE INDEX questionsOfRun ON questions (run);
CREATE INDEX questionsOfClient ON questions (clientId);
CREATE TRIGGER questionsGoWithTheirRun AFTER UPDATE OF state ON runs
WHEN NEW.state = 'completed' AND OLD.state <> 'completed'
BEGIN
  DELETE FROM questions WHERE run = NEW.position;
END;
`;
