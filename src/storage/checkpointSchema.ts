/**
 * What can be taken back (protocol.md section 4): what files held before a run changed them, and which
 * messages were taken out of a session. A fork's messages have the attachments of those that they were
 * copied from, which stay for as long as one of them does.
 */
export const checkpointSchema = `
CREATE TABLE checkpoints (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  sessionId TEXT NOT NULL,
  run INTEGER UNIQUE,
  lastMessage INTEGER NOT NULL,
  rewound TEXT NOT NULL,
  summaryMessageId TEXT,
  todos TEXT,
  contextTokens INTEGER,
  contextWindow INTEGER,
  ranCommands INTEGER NOT NULL DEFAULT 0,
  rewindingServer TEXT,
  plan TEXT,
  createdAt INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpointsOfSession ON checkpoints (sessionId, position);
CREATE INDEX openRewinds ON checkpoints (sessionId) WHERE rewindingServer IS NOT NULL;
CREATE TABLE changedFiles (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  checkpoint INTEGER NOT NULL,
  path TEXT NOT NULL,
  beforeHash TEXT,
  beforeMode INTEGER,
  afterHash TEXT,
  afterMode INTEGER,
  madeFolder TEXT,
  isBroken INTEGER NOT NULL DEFAULT 0,
  added INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0,
  firstChange INTEGER NOT NULL,
  lastChange INTEGER NOT NULL,
  UNIQUE (checkpoint, path)
) STRICT;
CREATE INDEX changesOfPath ON changedFiles (path, lastChange);
CREATE INDEX changesInOrder ON changedFiles (lastChange);
ALTER TABLE sessions ADD COLUMN rewound TEXT;
ALTER TABLE messages ADD COLUMN attachmentsOf TEXT;
CREATE INDEX messagesWithAttachmentsOf ON messages (attachmentsOf) WHERE attachmentsOf IS NOT NULL;
CREATE TRIGGER attachmentsStayForForks BEFORE DELETE ON attachments
WHEN EXISTS (SELECT 1 FROM messages WHERE attachmentsOf = OLD.messageId)
BEGIN
  SELECT RAISE(IGNORE);
END;
CREATE TRIGGER attachmentsGoWithTheLastFork AFTER DELETE ON messages
WHEN OLD.attachmentsOf IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM messages WHERE id = OLD.attachmentsOf)
BEGIN
  DELETE FROM attachments WHERE messageId = OLD.attachmentsOf;
END;
CREATE TRIGGER checkpointsGoWithSession AFTER DELETE ON sessions
BEGIN
  DELETE FROM changedFiles
    WHERE checkpoint IN (SELECT position FROM checkpoints WHERE sessionId = OLD.id);
  DELETE FROM checkpoints WHERE sessionId = OLD.id;
  INSERT OR IGNORE INTO forgottenSessions (sessionId)
    SELECT OLD.id || printf('%.201c', '~')
    WHERE EXISTS (SELECT 1 FROM messages WHERE sessionId = OLD.id || printf('%.201c', '~'));
END;
`;
