/**
 * The pieces of messages, by the messages' positions. Whoever stores a message as a whole takes them
 * away, also a program that does not know of them.
 */
export const streamedTextStep = `
CREATE TABLE streamedText (
  position INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  pieces TEXT NOT NULL,
  writtenAt INTEGER NOT NULL
) STRICT;
CREATE INDEX streamedTextOfMessage ON streamedText (message, position);
CREATE TRIGGER streamedTextIsWhole AFTER UPDATE OF parts ON messages BEGIN
  DELETE FROM streamedText WHERE message = old.position;
END;
CREATE TRIGGER streamedTextLeaves AFTER DELETE ON messages BEGIN
  DELETE FROM streamedText WHERE message = old.position;
END;
`;
