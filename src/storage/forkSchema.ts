/**
 * Forks that are not whole yet (protocol.md section 4, Taking back): their messages are copied, and then
 * added to the search index (`indexedTo` is not null), in small steps.
 */
export const forkSchema = `
CREATE TABLE openForks (
  sessionId TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  serverId TEXT NOT NULL,
  indexedTo INTEGER
) STRICT;
`;
