// A fault of a server, and what most faults are made of.
import type { Breaking, Message, Wire } from "../brokenServer.js";

/** One way to break a promise. */
export interface Fault {
  readonly name: string;
  /** The ids of all requirements that fail. */
  readonly caughtBy: readonly string[];
  /** Ids of checks that bring about what is broken, where those that tell it only look on. */
  readonly shownBy?: readonly string[];
  /** Ids of requirements that fail where what is lost lies in the middle of a part. */
  readonly mayAlsoFail?: readonly string[];
  breaking(wire: Wire): Breaking;
}

export const isCompletion = (message: Message) => message.method === "runComplete";
export const isAnswer = (message: Message) =>
  message.id !== undefined && message.method === undefined;

/** Changes what the server sends, one message for one. */
export function changing(change: (message: Message) => Message): () => Breaking {
  return () => ({
    fromServer: (message) => [Array.isArray(message) ? message : change(message)],
  });
}

/** Changes the params of one kind of notification. */
export function changingParams(
  method: string,
  change: (params: Message) => object,
): () => Breaking {
  return changing((message) =>
    message.method === method ? { ...message, params: change(message.params) } : message,
  );
}

/** Changes the error of a given name. */
export function changingError(name: string, change: (error: Message) => object): () => Breaking {
  return changing((message) =>
    message.error?.data?.name === name ? { ...message, error: change(message.error) } : message,
  );
}

/** Changes the params of one method that the client calls. */
export function changingCalls(method: string, change: (params: Message) => object): () => Breaking {
  return () => ({
    fromClient: (message) => [
      message.method === method ? { ...message, params: change(message.params) } : message,
    ],
  });
}

/** Changes, in its place, what the client answers to a question of the server. */
export function changingAnswers(change: (answer: Message) => void): () => Breaking {
  return () => ({
    fromClient(message) {
      const { method, result } = message;
      const hasMembers = method === undefined && typeof result === "object" && result !== null;
      if (hasMembers) change(result);
      return [message];
    },
  });
}

/** Answers one method itself, so that the server never hears of it. */
export function answering(method: string, answer: object): (wire: Wire) => Breaking {
  return ({ toClient }) => ({
    fromClient(message) {
      if (message.method !== method) return [message];
      toClient(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
      return [];
    },
  });
}
