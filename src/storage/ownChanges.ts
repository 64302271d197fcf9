// Tells which messages this connection changes, so that what is kept of them need not be compared with
// the file. SQLite itself tells it, by triggers of this connection alone: so no writer can forget it.
import type { DatabaseSync } from "@photostructure/sqlite";

/** Whoever keeps something of messages. It must neither use the database nor throw. */
export interface ChangeListener {
  /** A message was added, changed or removed, or its streamed text was. */
  touched(sessionId: string, position: number): void;
}

const tell = "turnwireTouched";
const watched = (name: string, event: string, row: string) =>
  `CREATE TEMP TRIGGER IF NOT EXISTS ${name} AFTER ${event} ON main.messages BEGIN
     SELECT ${tell}(${row}.sessionId, ${row}.position); END;`;
const triggers = [
  watched("messageIsAdded", "INSERT", "NEW"),
  watched("messageIsChanged", "UPDATE", "OLD"),
  watched("messageHasMoved", "UPDATE OF sessionId, position", "NEW"),
  watched("messageIsRemoved", "DELETE", "OLD"),
].join("\n");
/** A message takes its pieces along when it is changed or removed. */
const piecesTrigger = `CREATE TEMP TRIGGER IF NOT EXISTS messageGrows AFTER INSERT ON main.streamedText
  BEGIN SELECT ${tell}(sessionId, position) FROM main.messages WHERE position = NEW.message; END;`;

/** The changes of messages by one connection. */
export class OwnChanges {
  readonly #sqlite: InstanceType<typeof DatabaseSync>;
  readonly #isWriting: () => boolean;
  readonly #listeners = new Set<ChangeListener>();

  /** @param isWriting whether a write transaction has begun, and has not ended. */
  constructor(sqlite: InstanceType<typeof DatabaseSync>, isWriting: () => boolean) {
    this.#sqlite = sqlite;
    this.#isWriting = isWriting;
  }

  /**
   * Tells `listener` of all changes from now on. It does nothing inside a transaction, which may be
   * rolled back with the triggers.
   *
   * @param hasPieces whether the file can have streamed text.
   */
  tell(listener: ChangeListener, hasPieces: boolean): void {
    if (this.#listeners.has(listener) || this.#sqlite.isTransaction) return;
    try {
      if (this.#listeners.size === 0) this.#begin(hasPieces);
      this.#listeners.add(listener);
    } catch {
      // Where there is no room for it, the listener goes on comparing, and it is tried again.
    }
  }

  /**
   * Whether this listener is told of everything that can change what is read now. In a write transaction
   * it is not: that may be rolled back, and nobody tells what is undone.
   */
  isToldTo(listener: ChangeListener): boolean {
    return this.#listeners.has(listener) && !this.#isWriting();
  }

  #begin(hasPieces: boolean): void {
    // A damaged position may not fit into a number: as a number, it would make the write fail.
    const options = { useBigIntArguments: true };
    this.#sqlite.function(tell, options, (sessionId: unknown, position: unknown) => {
      for (const listener of this.#listeners) listener.touched(String(sessionId), Number(position));
      return null;
    });
    this.#sqlite.exec(hasPieces ? triggers + piecesTrigger : triggers);
  }
}
