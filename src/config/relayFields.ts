// The fields of `relays`: the places to which every completion is carried (docs/fleet.md).
import * as z from "zod";
import { isWellFormed } from "./variables.js";

/** The kinds of place. */
const relayTypes = ["nats", "postgres", "http"] as const;

/** Which fields each kind has. */
const fieldsOf: Readonly<Record<(typeof relayTypes)[number], readonly string[]>> = {
  nats: ["url", "stream", "subject", "user", "password", "token", "credentialsFile", "caFile"],
  postgres: ["url", "table", "channel"],
  http: ["url", "secret", "headers"],
};

const name = (pattern: RegExp, what: string, description: string) =>
  z.string().max(100).regex(pattern, what).exactOptional().describe(description);

const text = (description: string) =>
  z
    .string()
    .min(1, "must not be empty")
    .max(10_000)
    .refine(
      isWellFormed,
      "a `$` begins a variable's name, with or without braces; write `$$` for the character itself",
    )
    .describe(description);

/** One entry of `relays`. `headers` is the schema of headers in a configuration file. */
export const relayEntry = <H extends z.ZodType>(headers: (description: string) => H) =>
  z
    .strictObject({
      type: z.enum(relayTypes).describe("What is there: NATS JetStream, Postgres, or a webhook."),
      url: text(
        "Its address: `nats://host:4222` (several, separated by commas), `postgres://user@host/database`, or `https://…`. `$NAME` is read from the environment.",
      ),
      stream: name(
        /^[A-Za-z0-9_-]+$/,
        "is no name of a stream",
        "`nats`: the stream that takes the completions. It is made if there is none. Without it, any stream that takes the subjects.",
      ),
      subject: name(
        /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
        "is no beginning of a subject",
        "`nats`: what the subjects begin with; `turnwire` by default.",
      ),
      user: text("`nats`: the user's name.").exactOptional(),
      password: text("`nats`: the password of `user`.").exactOptional(),
      token: text("`nats`: a token.").exactOptional(),
      credentialsFile: text("`nats`: the path of a file of credentials.").exactOptional(),
      caFile: text(
        "`nats`: the path of the certificates of those who may vouch for the server, in PEM. With it, only TLS is spoken.",
      ).exactOptional(),
      table: name(
        /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/,
        "is no name of a table",
        "`postgres`: the table, with or without a schema; `turnwire_completions` by default. It is made if there is none.",
      ),
      channel: name(
        /^[a-z_][a-z0-9_]{0,62}$/,
        "is no name of a channel",
        "`postgres`: the channel of `NOTIFY`; `turnwire_completed` by default.",
      ),
      secret: text(
        "`http`: the secret that signs each request, as Standard Webhooks says (`whsec_` and base64). Two, separated by a blank, both sign.",
      ).exactOptional(),
      headers: headers("`http`: sent with every request.").exactOptional(),
    })
    .superRefine((entry, context) => {
      for (const field of Object.keys(entry)) {
        if (field === "type" || fieldsOf[entry.type].includes(field)) continue;
        const message = `a relay of type \`${entry.type}\` has no such field`;
        context.addIssue({ code: "custom", message, path: [field] });
      }
    });
