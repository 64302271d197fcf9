// Makes a stream of NATS JetStream where there is none.
import { JetStreamApiError, jetstreamManager, type RetentionPolicy } from "@nats-io/jetstream";
import { type NatsConnection, PermissionViolationError } from "@nats-io/transport-node";

/** The server's code for: there is no such stream. */
const streamNotFound = 10059;
/** And for: there is one of this name, made in between. */
const nameInUse = 10058;

/**
 * The stream; one that is there stays as it is, and so does one that this user may not look at. Rejects
 * where the server refuses.
 */
export async function makeStream(
  connection: NatsConnection,
  stream: {
    readonly name: string;
    readonly subjects: string[];
    readonly retention?: RetentionPolicy;
  },
): Promise<void> {
  // Without a look at the account, which not everybody may have.
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  try {
    await streams.info(stream.name);
    return;
  } catch (error) {
    // Whoever may publish need not be allowed to look.
    if (error instanceof Error && error.cause instanceof PermissionViolationError) return;
    if (!hasCode(error, streamNotFound)) throw error;
  }
  try {
    await streams.add(stream);
  } catch (error) {
    if (!hasCode(error, nameInUse)) throw error;
  }
}

/** The stream for what became of prompts, as every machine makes it (docs/fleet.md). */
export function outcomeStream(name: string, subject: string): { name: string; subjects: string[] } {
  return { name, subjects: ["completed", "refused"].map((kind) => `${subject}.*.*.${kind}`) };
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}
