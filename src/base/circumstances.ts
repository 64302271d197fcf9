/**
 * What a model is told together with a user's message, about the state at that time. It is stored
 * with the message, so that later calls send the same bytes again (`protocol.md` section 4, What a
 * model is told). Clients do not see it.
 */
export interface Circumstances {
  /**
   * The content of the system prompt from this message on. Only the first message of a history has
   * it.
   */
  readonly begin?: SessionBegin;
  /** The state of git, and the day if it is no longer the day in the system prompt. */
  readonly surroundings?: string;
  /** The present text of `AGENTS.md`, if it has changed; empty if the file is gone. */
  readonly newAgentsMd?: string;
  /** The same of the user's own `AGENTS.md`. */
  readonly newUserAgentsMd?: string;
  /** The same of the list of skills. */
  readonly newSkills?: string;
}

/** The state at the beginning of a session's history, for its system prompt. */
export interface SessionBegin {
  /** As YYYY-MM-DD. */
  readonly date: string;
  /** The text of `AGENTS.md`; empty if there was none. */
  readonly agentsMd: string;
  /** What the user's own `AGENTS.md` said, if there was one. */
  readonly userAgentsMd?: string;
  /** The skills that there were, one a line, if there were any. */
  readonly skills?: string;
}
