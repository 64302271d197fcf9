// An address in a configuration file.
import * as z from "zod";

/** Whether a text is an http or https URL. */
export const isHttp = (value: string) =>
  URL.canParse(value) && ["http:", "https:"].includes(new URL(value).protocol);
const hasCredentials = (value: string) =>
  URL.canParse(value) && new URL(value).username + new URL(value).password !== "";

/** The schema of an http or https URL without a user name or password. */
export const httpUrl = (description: string) =>
  z
    .string()
    .refine(isHttp, "must be an http or https URL")
    .refine(
      (value) => !hasCredentials(value),
      "must not hold a user name or password; send them as a header",
    )
    .meta({ description, format: "uri" });
