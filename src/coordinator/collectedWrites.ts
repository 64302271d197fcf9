// Writes that are made in one commit, and what is told behind it.

type Write = () => void;

/** What {@link PatientWrites.together} makes in one commit. */
export class CollectedWrites {
  #writes: Write[] | undefined;
  #tells: (() => void)[] = [];

  /** Whether something is being collected. */
  get isOpen(): boolean {
    return this.#writes !== undefined;
  }

  /** Takes a write, and what is told behind it; false if nothing is being collected. */
  takes(write: Write, told?: () => void): boolean {
    this.#writes?.push(write);
    if (this.isOpen && told !== undefined) this.#tells.push(told);
    return this.isOpen;
  }

  /** Calls `tell` behind the commit; false if nothing is being collected. */
  tells(tell: () => void): boolean {
    if (this.isOpen) this.#tells.push(tell);
    return this.isOpen;
  }

  /** Collects what `work` writes; undefined if that is nothing. */
  during(work: () => void): Write | undefined {
    const writes: Write[] = [];
    this.#writes = writes;
    this.#tells = [];
    try {
      work();
    } finally {
      this.#writes = undefined;
    }
    return writes.length === 0 ? undefined : inOrder(writes);
  }

  /** The commit was made, or waits behind another program's. */
  tell(): void {
    for (const tell of this.#tells.splice(0)) tell();
  }
}

/** Makes several writes as one. */
export function inOrder(writes: readonly Write[]): Write {
  const [only] = writes;
  if (only !== undefined && writes.length === 1) return only;
  return () => {
    for (const write of writes) write();
  };
}
