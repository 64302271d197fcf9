// The schema, as numbered steps (protocol.md section 9). A released step is never changed. New
// steps are appended, and only add to the schema, so that older programs can go on using the file.

import { checkpointSchema } from "./checkpointSchema.js";
import { engineSessionSchema } from "./engineSessionSchema.js";
import { forgetIndex } from "./forgetIndex.js";
import { forkSchema } from "./forkSchema.js";
import { givenUpSchema } from "./givenUpSchema.js";
import { goingOnStep } from "./goingOnStep.js";
import { leftQuestionStep } from "./leftQuestionStep.js";
import { questionSchema } from "./questionSchema.js";
import { relaySchema } from "./relaySchema.js";
import { streamedTextStep } from "./streamedTextStep.js";

/** Marks the file as Turnwire's (`PRAGMA application_id`): "TwTw" in ASCII. */
export const applicationId = 0x54775477;

const v1 = `
CREATE TABLE servers (
  id TEXT PRIMARY KEY,
  startedAt INTEGER NOT NULL
) STRICT;

CREATE TABLE workspaces (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  createdAt INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  workspaceId TEXT NOT NULL,
  parentSessionId TEXT,
  title TEXT NOT NULL,
  messageCount INTEGER NOT NULL DEFAULT 0,
  promptTokens INTEGER NOT NULL DEFAULT 0,
  completionTokens INTEGER NOT NULL DEFAULT 0,
  cost REAL NOT NULL DEFAULT 0,
  summaryMessageId TEXT,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX sessionsOfWorkspace ON sessions (workspaceId, position);
CREATE INDEX sessionsOfParent ON sessions (parentSessionId) WHERE parentSessionId IS NOT NULL;

CREATE TABLE messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  sessionId TEXT NOT NULL,
  run INTEGER,
  role TEXT NOT NULL,
  parts TEXT NOT NULL,
  model TEXT,
  provider TEXT,
  isSummary INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL,
  updatedAt INTEGER NOT NULL
) STRICT;
CREATE INDEX messagesOfSession ON messages (sessionId, position);

CREATE TABLE attachments (
  messageId TEXT NOT NULL,
  partIndex INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (messageId, partIndex)
) STRICT;

CREATE TABLE runs (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  workspaceId TEXT NOT NULL,
  sessionId TEXT NOT NULL,
  runId TEXT,
  clientId TEXT NOT NULL,
  serverId TEXT NOT NULL,
  kind TEXT NOT NULL,
  promptHash TEXT NOT NULL,
  state TEXT NOT NULL,
  hasBegun INTEGER NOT NULL DEFAULT 0,
  foldedInto INTEGER,
  acceptedAt INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX runsByRunId ON runs (workspaceId, runId) WHERE runId IS NOT NULL;
CREATE INDEX openRunsOfSession ON runs (sessionId) WHERE state <> 'completed';
CREATE INDEX openRunsOfServer ON runs (serverId) WHERE state <> 'completed';
CREATE INDEX runsFolded ON runs (foldedInto) WHERE foldedInto IS NOT NULL;

CREATE TABLE completions (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  completionId TEXT NOT NULL UNIQUE,
  run INTEGER NOT NULL UNIQUE,
  clientId TEXT NOT NULL,
  serverId TEXT NOT NULL,
  workspaceId TEXT NOT NULL,
  sessionId TEXT NOT NULL,
  body TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  acknowledgedAt INTEGER
) STRICT;
CREATE INDEX pendingCompletions ON completions (clientId, sequence) WHERE acknowledgedAt IS NULL;
CREATE INDEX acknowledgedCompletions ON completions (acknowledgedAt) WHERE acknowledgedAt IS NOT NULL;
`;

/** A title that somebody chose is never replaced by a generated one. */
const v2 = `
ALTER TABLE sessions ADD COLUMN isTitleGiven INTEGER NOT NULL DEFAULT 0;
`;

/** The usage of a run is reported even if its server dies. */
const v3 = `
ALTER TABLE runs ADD COLUMN promptTokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN completionTokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cost REAL NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN modelCalls INTEGER NOT NULL DEFAULT 0;
`;

/** What identifies a server's process, and the notes from one server to the next. */
const v4 = `
ALTER TABLE servers ADD COLUMN processId INTEGER;
ALTER TABLE servers ADD COLUMN life TEXT;
ALTER TABLE servers ADD COLUMN place TEXT;
ALTER TABLE servers ADD COLUMN version TEXT;
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** What a model was told with a user's message, so that it gets the same text again. */
const v5 = `
ALTER TABLE messages ADD COLUMN circumstances TEXT;
`;

/** How many tokens of a run were read from a cache, written to a cache, and used for thoughts. */
const v6 = `
ALTER TABLE runs ADD COLUMN cachedPromptTokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cacheWriteTokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN reasoningTokens INTEGER NOT NULL DEFAULT 0;
`;

/** How completions find their client: which clients each server has, and which steps it knows. */
const v7 = `
ALTER TABLE servers ADD COLUMN schema INTEGER;
CREATE TABLE connections (
  serverId TEXT NOT NULL,
  clientId TEXT NOT NULL,
  PRIMARY KEY (serverId, clientId)
) STRICT, WITHOUT ROWID;
`;

/** How full a session's context is, and its list of tasks. */
const v8 = `
ALTER TABLE sessions ADD COLUMN contextTokens INTEGER;
ALTER TABLE sessions ADD COLUMN contextWindow INTEGER;
ALTER TABLE sessions ADD COLUMN todos TEXT;
`;

/** Queues that are paused, changed by hand, or kept after the end of their server. */
const v9 = `
ALTER TABLE sessions ADD COLUMN queuePaused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN place INTEGER;
CREATE TABLE queuedPrompts (
  run INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  files TEXT NOT NULL
) STRICT;
CREATE TABLE queuedFiles (
  run INTEGER NOT NULL,
  fileIndex INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, fileIndex)
) STRICT;
`;

/** The options of runs, and the defaults of sessions. */
const v10 = `
ALTER TABLE runs ADD COLUMN options TEXT;
ALTER TABLE sessions ADD COLUMN defaults TEXT;
`;

/** The words of titles and of what was said, by the positions of messages and of sessions (negative). */
const v11 = `
CREATE VIRTUAL TABLE searchIndex USING fts5(
  text, place, content='', contentless_delete=1,
  tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);
CREATE TRIGGER messageLeavesIndex AFTER DELETE ON messages BEGIN
  DELETE FROM searchIndex WHERE rowid = old.position;
END;
CREATE TRIGGER sessionLeavesIndex AFTER DELETE ON sessions BEGIN
  DELETE FROM searchIndex WHERE rowid = -old.position;
END;
${forgetIndex("main")}
`;

/** Deleted sessions whose content still has to be deleted, and the ways to what is theirs. */
const v12 = `
CREATE TABLE forgottenSessions (sessionId TEXT PRIMARY KEY) STRICT;
CREATE INDEX completionsOfSession ON completions (sessionId);
CREATE INDEX runsOfSession ON runs (sessionId);
CREATE INDEX namelessRuns ON runs (acceptedAt) WHERE runId IS NULL AND state = 'completed';
`;

/** Where a run stands in a trace (docs/telemetry.md); null unless telemetry is on. */
const v21 = `
ALTER TABLE runs ADD COLUMN trace TEXT;
`;

/** The messages with their final text that are not in the index of words yet. */
const v23 = `
CREATE TABLE unindexed (position INTEGER PRIMARY KEY) STRICT;
`;

/** Step `n` brings a file from n steps to n + 1. */
export const migrations: readonly string[] = [
  v1,
  v2,
  v3,
  v4,
  v5,
  v6,
  v7,
  v8,
  v9,
  v10,
  v11,
  v12,
  checkpointSchema,
  relaySchema,
  forkSchema,
  givenUpSchema,
  engineSessionSchema,
  questionSchema,
  goingOnStep,
  leftQuestionStep,
  v21,
  streamedTextStep,
  v23,
];

/**
 * The steps that a program knows, and how they work with programs that know more or fewer steps.
 */
export interface Schema {
  readonly steps: readonly string[];
  /**
   * A program that knows at least this many steps can work with the file, because all later steps
   * only add. It becomes the file's `user_version`, above which a program refuses it.
   */
  readonly readableFrom: number;
  /** The fewest steps of a file with which this program can work while an older server lives. */
  readonly worksFrom: number;
}

/** The schema of this program. */
export const schema: Schema = { steps: migrations, readableFrom: 4, worksFrom: 6 };
