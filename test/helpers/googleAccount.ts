// A file of credentials for Google Cloud: a workload that another identity provider vouches for. It
// alone names where its tokens come from; those of service accounts have a fixed address.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What vouches for the workload. */
export const subjectToken = "subject-0123456789";

/** Writes the file of an account whose tokens come from `tokenUrl`. */
export function writeGoogleAccount(folder: string, tokenUrl: string): string {
  const file = join(folder, "account.json");
  const subject = join(folder, "subject.txt");
  writeFileSync(subject, subjectToken);
  writeFileSync(
    file,
    JSON.stringify({
      type: "external_account",
      token_url: tokenUrl,
      credential_source: { file: subject },
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      audience:
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    }),
  );
  return file;
}
