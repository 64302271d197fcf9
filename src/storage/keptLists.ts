// Which lists stay in memory where not all of them fit: those that are most likely to be used again first.

/** What a list is kept by. */
export interface KeptName {
  readonly sessionId: string;
  readonly name: string;
}

interface Kept<List> {
  readonly list: List;
  readonly name: KeptName;
  readonly bytes: number;
  /** The use at which it was kept. */
  readonly usedAt: number;
}

/** The most names whose last use is remembered although their list is not kept. */
const mostGone = 1000;
/**
 * A list makes room if its last use lies further back than that of the list that needs the room, by this
 * factor: sessions do not take turns quite regularly.
 */
const late = 1.5;

/**
 * Keeps lists up to a bound in bytes. A list that finds no room takes the place of those that were used
 * longest ago, if their last use lies further back than its own. Otherwise sessions that take turns, and
 * together need more than there is, would put out each other's lists right before their next use.
 */
export class KeptLists<List> {
  readonly #mostBytes: number;
  /** The list that was used last is the last. */
  readonly #lists = new Map<string, Kept<List>>();
  /** The same lists, by their session. */
  readonly #ofSession = new Map<string, Set<Kept<List>>>();
  /** When those were used last that are not kept, the last one last. */
  readonly #gone = new Map<string, number>();
  #uses = 0;
  #bytes = 0;

  /** @param mostBytes the most bytes of all lists together. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The list of a name, which is no longer kept then; undefined if there is none. */
  take({ name }: KeptName): List | undefined {
    const kept = this.#lists.get(name);
    if (kept !== undefined) this.#remove(kept);
    return kept?.list;
  }

  /** Keeps a list that is in use, if there is room for it. None of this name may be kept already. */
  keep(name: KeptName, list: List, bytes: number): void {
    this.#uses++;
    const usedAt = this.#gone.get(name.name);
    this.#gone.delete(name.name);
    // One that was never used before may be of a session that has just begun.
    const pause = usedAt === undefined ? 0 : this.#uses - usedAt;
    if (bytes > this.#mostBytes || !this.#makeRoom(bytes, pause)) {
      this.#remember(name.name, this.#uses);
      return;
    }
    const kept = { list, name, bytes, usedAt: this.#uses };
    this.#lists.set(name.name, kept);
    const others = this.#ofSession.get(name.sessionId) ?? new Set();
    this.#ofSession.set(name.sessionId, others.add(kept));
    this.#bytes += bytes;
  }

  /** The lists of a session that are kept. */
  *ofSession(sessionId: string): Generator<List> {
    for (const { list } of this.#ofSession.get(sessionId) ?? []) yield list;
  }

  /** Returns whether there is room for so many bytes, and puts lists out only then. */
  #makeRoom(bytes: number, pause: number): boolean {
    let room = this.#mostBytes - this.#bytes;
    const leaving: Kept<List>[] = [];
    for (const kept of this.#lists.values()) {
      if (room >= bytes) break;
      if (this.#uses - kept.usedAt <= late * pause) return false;
      leaving.push(kept);
      room += kept.bytes;
    }
    for (const kept of leaving) this.#remove(kept);
    return true;
  }

  #remove(kept: Kept<List>): void {
    const { sessionId, name } = kept.name;
    this.#lists.delete(name);
    const others = this.#ofSession.get(sessionId);
    others?.delete(kept);
    if (others?.size === 0) this.#ofSession.delete(sessionId);
    this.#bytes -= kept.bytes;
    this.#remember(name, kept.usedAt);
  }

  #remember(name: string, usedAt: number): void {
    this.#gone.set(name, usedAt);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= mostGone) return;
      this.#gone.delete(oldest);
    }
  }
}
