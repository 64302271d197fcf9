/** Members of messages and of log records that hold secrets: they never reach a log. */
export const secretFields: readonly string[] = ["apiKey", "headers", "env"];
