// The additional fields of a provider behind a cloud's account.
import { isAbsolute } from "node:path";
import * as z from "zod";
import type { ProviderType } from "./types.js";

/** A text that becomes a part of a host's name or of a path. */
const label = (description: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, "is made of letters, digits and `-`")
    .exactOptional()
    .describe(description);

/** The fields, for the schema of a provider. */
export const cloudFields = () => ({
  resource: label(
    "Of `azure`: the name of the resource; `AZURE_RESOURCE_NAME` by default. Not used together with `baseUrl`.",
  ),
  apiVersion: label("Of `azure`: the version of the API; `v1` by default."),
  region: label(
    "Of `bedrock`: the region; else `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's.",
  ),
  profile: z
    .string()
    .min(1, "must not be empty")
    .exactOptional()
    .describe("Of `bedrock`: the profile of AWS's own files; `AWS_PROFILE` by default."),
  project: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]*$/, "is made of letters, digits, `-`, `.` and `:`")
    .exactOptional()
    .describe(
      "Of `vertex`: the project; else `GOOGLE_CLOUD_PROJECT`, or the one of the credentials.",
    ),
  location: label(
    "Of `vertex`: the location; else `GOOGLE_CLOUD_LOCATION`, `CLOUD_ML_REGION`, or `global`.",
  ),
  credentialsFile: z
    .string()
    .refine(isAbsolute, "must be an absolute path")
    .exactOptional()
    .describe(
      "Of `vertex`: a file of credentials; else `GOOGLE_APPLICATION_CREDENTIALS`, or what `gcloud` has written.",
    ),
});

const owners: readonly (readonly [
  ProviderType,
  readonly (keyof ReturnType<typeof cloudFields>)[],
])[] = [
  ["azure", ["resource", "apiVersion"]],
  ["bedrock", ["region", "profile"]],
  ["vertex", ["project", "location", "credentialsFile"]],
];

/** The fields of an entry that mean nothing to its type, each with a complaint. */
export function misplacedCloudFields(
  entry: Readonly<Record<string, unknown>> & { readonly type: ProviderType },
): (readonly [field: string, complaint: string])[] {
  return owners.flatMap(([type, fields]) =>
    fields
      .filter((field) => entry.type !== type && entry[field] !== undefined)
      .map((field) => [field, `goes with the type \`${type}\``] as const),
  );
}
