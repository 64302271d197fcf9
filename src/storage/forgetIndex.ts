// How a file records that its index of words is not made yet, because it is new or was rebuilt.

/** The notes of the positions below which nothing was indexed yet: a file of before had no index. */
export const messagesNote = "searchMessagesBelow";
export const titlesNote = "searchTitlesBelow";

/** Makes the index of a file count as not made yet, in a schema. */
export const forgetIndex = (schema: string) => `
  INSERT OR REPLACE INTO ${schema}.notes (name, value)
    SELECT '${messagesNote}', CAST(coalesce(max(position), 0) + 1 AS TEXT) FROM ${schema}.messages;
  INSERT OR REPLACE INTO ${schema}.notes (name, value)
    SELECT '${titlesNote}', CAST(coalesce(max(position), 0) + 1 AS TEXT) FROM ${schema}.sessions;
`;
