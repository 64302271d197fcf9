// What the desk needs of the place where open questions are stored, so that every server over one data
// directory can put them to their client.

/** A stored question. Times are in milliseconds since the Unix epoch. */
export interface BookedQuestion {
  readonly permissionId: string;
  /** The position of its run. */
  readonly run: number;
  readonly clientId: string;
  /** The params of `requestPermission`, as JSON. */
  readonly body: string;
  readonly askedAt: number;
  /** When it is denied unless its client comes; undefined while that is connected somewhere. */
  readonly expiresAt: number | undefined;
}

/** The stored questions. Every function throws if the disk refuses. */
export interface QuestionBook {
  /** Stores a question of this server, or its present deadline. */
  save(question: BookedQuestion): void;
  /** Notes that this server, which asks a question, lives. */
  seen(permissionId: string, now: number): void;
  /**
   * Takes over the question that an earlier server has asked for a tool call of a run; undefined if there
   * is none that would ask the same.
   */
  adopt(asked: {
    readonly run: number;
    isOfCall(body: string): boolean;
    isSame(body: string): boolean;
  }): BookedQuestion | undefined;
  /** Removes a question of this server; returns the answer that another server stored, as JSON. */
  close(permissionId: string): string | undefined;
  /**
   * Stores the answer to a question of this server, unless it has one; returns the one that counts. The
   * question is open no more, and the next server of its run goes by the answer if the call has not begun.
   */
  settle(permissionId: string, answer: string): string | undefined;
  /** The answer that another server stored, as JSON. */
  answer(permissionId: string): string | undefined;
  /** Stores a client's answer to a question of another server; false if that is not open any more. */
  give(permissionId: string, clientId: string, answer: string, now: number): boolean;
  /** The client's questions of other servers that have no answer, the oldest first. */
  openOf(clientId: string): BookedQuestion[];
  /** The questions of other servers that connections here may answer. */
  putByOthers(): BookedQuestion[];
  /** Whether the client is connected to another server. */
  isElsewhere(clientId: string): boolean;
}

/** A book of a server that shares its questions with no other. */
export const noBook: QuestionBook = {
  save() {},
  seen() {},
  adopt: () => undefined,
  close: () => undefined,
  settle: () => undefined,
  answer: () => undefined,
  give: () => false,
  openOf: () => [],
  putByOthers: () => [],
  isElsewhere: () => false,
};
