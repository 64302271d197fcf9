// What the user has allowed for good by `allowAlways` (protocol.md section 7): a file of its own beside his
// configuration, which the server writes. He writes his configuration himself.
import { randomUUID } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import * as z from "zod";
import { type Clock, systemClock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import { withFileLock } from "../base/fileLock.js";
import { explainSystemError } from "../base/systemError.js";

/** A permanent grant. All its texts are literal: a `*` stands for itself. */
export interface PermanentGrant {
  /** `tool:` and the one command, path or URL that is allowed. */
  readonly rule: string;
  /** The real path of the only workspace in which it holds. */
  readonly workspace: string;
  /** The real folder in which the command runs, where that is not the workspace itself. */
  readonly folder?: string | undefined;
  /** It was allowed inside a sandbox, and holds only in one. */
  readonly sandboxed?: true | undefined;
}

/** The file of grants cannot be used as it is. Nothing was changed in it. */
export class GrantsUnreadable extends Error {
  constructor(file: string, reason: string) {
    super(
      `${file}, which holds what was allowed for good, cannot be read: ${reason}. Nothing in it counts and nothing is added to it until it is put right or moved away.`,
    );
    this.name = "GrantsUnreadable";
  }
}

/** There are so many grants that a file with more is no work of a person. */
const mostGrants = 5_000;
const mostFileBytes = 4 * 1024 * 1024;
const staleLockMs = 10_000;
const longestWaitMs = 20_000;

/** Members of a later version are kept when the file is written again; a grant with one grants nothing. */
const grantsFile = () =>
  z.looseObject({
    allowAlways: z.array(
      z.looseObject({
        rule: z.string(),
        workspace: z.string(),
        folder: z.string().optional(),
        sandboxed: z.literal(true).optional(),
      }),
    ),
  });
type Content = z.output<ReturnType<typeof grantsFile>>;

interface Loaded {
  readonly identity: string;
  readonly content: Content;
  readonly keys: ReadonlySet<string>;
}

/** The file of permanent grants, of which any number of servers may have one open. */
export class PermanentGrants {
  readonly #file: string;
  readonly #clock: Clock;
  #loaded: Loaded | undefined;

  /** @param file absolute; it need not exist. */
  constructor(file: string, clock: Clock = systemClock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Every grant as the file has them now. @throws GrantsUnreadable */
  list(): readonly PermanentGrant[] {
    return this.#load().content.allowAlways;
  }

  /** Whether exactly this is granted now. @throws GrantsUnreadable */
  has(grant: PermanentGrant): boolean {
    return this.#load().keys.has(keyOf(grant));
  }

  /**
   * Stores grants that are not there yet, all or none.
   *
   * @throws GrantsUnreadable, and an Error if the file cannot be written.
   */
  async add(grants: readonly PermanentGrant[]): Promise<void> {
    await this.#change((content) => {
      const known = new Set(content.allowAlways.filter(isUnderstood).map(keyOf));
      const added = grants.filter((grant) => !known.has(keyOf(grant)));
      const allowAlways = [...content.allowAlways, ...added.map((grant) => ({ ...grant }))];
      if (allowAlways.length > mostGrants) {
        throw new Error(`${this.#file} holds ${mostGrants} grants already, and takes no more`);
      }
      return added.length === 0 ? undefined : { ...content, allowAlways };
    });
  }

  /**
   * Takes grants back; returns those that were there.
   *
   * @param isMeant tells which.
   * @throws GrantsUnreadable, and an Error if the file cannot be written.
   */
  async remove(isMeant: (grant: PermanentGrant) => boolean): Promise<readonly PermanentGrant[]> {
    let removed: readonly PermanentGrant[] = [];
    await this.#change((content) => {
      removed = content.allowAlways.filter(isMeant);
      const allowAlways = content.allowAlways.filter((grant) => !isMeant(grant));
      return removed.length === 0 ? undefined : { ...content, allowAlways };
    });
    return removed;
  }

  #load(): Loaded {
    const identity = identityOf(this.#file);
    if (this.#loaded?.identity === identity) return this.#loaded;
    const content = identity === missingIdentity ? { allowAlways: [] } : this.#read();
    this.#loaded = {
      identity,
      content,
      keys: new Set(content.allowAlways.filter(isUnderstood).map(keyOf)),
    };
    return this.#loaded;
  }

  #read(): Content {
    let text: string;
    try {
      const data = readFileSync(this.#file);
      if (data.length > mostFileBytes) throw new Error("it is larger than 4 MiB");
      text = new TextDecoder("utf-8", { fatal: true }).decode(data);
      const parsed = grantsFile().safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      throw new Error(`${issue?.path.join(".") || "its content"}: ${issue?.message ?? "wrong"}`);
    } catch (error) {
      throw new GrantsUnreadable(this.#file, explainSystemError(error) ?? messageOf(error));
    }
  }

  /** Changes the file as a whole, from what it holds once nobody else can change it. */
  async #change(change: (content: Content) => Content | undefined): Promise<void> {
    const patience = { clock: this.#clock, staleMs: staleLockMs, longestWaitMs };
    await withFileLock(`${this.#file}.lock`, patience, async (assertHeld) => {
      this.#loaded = undefined;
      const next = change(this.#load().content);
      if (next !== undefined) await this.#write(next, assertHeld);
      this.#loaded = undefined;
    });
  }

  async #write(next: Content, assertHeld: () => void): Promise<void> {
    const data = Buffer.from(`${JSON.stringify(next, null, 2)}\n`);
    if (data.length > mostFileBytes) {
      throw new Error(`${this.#file} would be larger than 4 MiB, so it takes no more grants`);
    }
    // A file that is a link stays one.
    const isThere = identityOf(this.#file) !== missingIdentity;
    const target = isThere ? realpathSync(this.#file) : this.#file;
    const temporary = `${target}.${randomUUID()}.tmp`;
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      assertHeld();
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

const members: ReadonlySet<string> = new Set(["rule", "workspace", "folder", "sandboxed"]);

/** Whether nothing in a grant is of a later version, which may mean less by it. */
function isUnderstood(grant: PermanentGrant): boolean {
  return Object.keys(grant).every((name) => members.has(name));
}

function keyOf({ rule, workspace, folder, sandboxed }: PermanentGrant): string {
  return JSON.stringify([rule, workspace, folder ?? workspace, sandboxed ?? false]);
}
