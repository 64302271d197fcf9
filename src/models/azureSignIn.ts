// Uses the sign-in to Entra ID that a user of Azure has already: `az login`, a managed identity, a
// workload, or the variables of a service principal. Azure's own package knows all of them and
// keeps a token while it is valid. It has 46 MB, so the user installs it.
import * as z from "zod";
import { loadBeside } from "./optionalPackage.js";
import { reasonFor, SetupError } from "./setupError.js";

const name = "@azure/identity";
const scope = "https://cognitiveservices.azure.com/.default";

interface Credential {
  getToken(scope: string): Promise<{ readonly token: string } | null>;
}
type Load = (name: string, purpose: string) => Promise<unknown>;

const identity = z.object({
  DefaultAzureCredential: z.custom<new () => Credential>((value) => typeof value === "function"),
});

let credential: Promise<Credential> | undefined;

/**
 * A token that is valid now.
 *
 * @throws SetupError if the package is not installed, or if nobody is signed in.
 */
export async function entraToken(load: Load = loadBeside): Promise<string> {
  credential ??= load(name, "to sign in to Entra ID without a key").then((loaded) => {
    const { DefaultAzureCredential } = identity.parse(loaded);
    return new DefaultAzureCredential();
  });
  try {
    const token = await (await credential).getToken(scope);
    if (token === null) throw new Error("the sign-in gave no token");
    return token.token;
  } catch (error) {
    // What was missing may be there at the next call.
    credential = undefined;
    if (error instanceof SetupError) throw error;
    const what = `could not be called: no token of Entra ID (${reasonFor(error)})`;
    throw new SetupError(what, "Sign in (az login), or set AZURE_API_KEY.", true);
  }
}
