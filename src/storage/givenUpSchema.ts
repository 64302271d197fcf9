/** Checkpoints whose contents are not kept any more (protocol.md section 4, Taking back). */
export const givenUpSchema = `
ALTER TABLE checkpoints ADD COLUMN givenUp INTEGER NOT NULL DEFAULT 0;
CREATE INDEX heldCheckpoints ON checkpoints (position) WHERE givenUp = 0;
`;
