/**
 * When the server of an open question last lived, as far as that is known (protocol.md section 4, Going on
 * after a loss): the time of a question runs on from then while no server has its run.
 */
export const leftQuestionStep = "ALTER TABLE questions ADD COLUMN seenAt INTEGER;";
