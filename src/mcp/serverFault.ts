// Explains a failure of a tool server in words that are true and that a person understands.
import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnsupportedProtocolVersionError,
} from "@modelcontextprotocol/client";
import { messageOf } from "../base/errors.js";

/** The protocol's error code for an unsupported version. */
const unsupportedVersion = -32022;

/** Why a request to a tool server, or the start of one, has failed. */
export function faultText(error: unknown): string {
  const versions = versionsOf(error);
  if (versions !== undefined) {
    return `it speaks version ${versions.join(", ")} of the protocol, and none that is spoken here`;
  }
  if (error instanceof SdkHttpError) return httpText(error);
  if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult) {
    const method = /^Invalid result for ([\w/]+)/.exec(error.message)?.[1];
    return `its answer to ${method ?? "a request"} is not what the protocol has there`;
  }
  if (error instanceof Error && /^\$?ZodError$/.test(error.name)) {
    return "its answer is no message of the protocol";
  }
  // The package's own message is about its parts; the cause says what happened.
  if (error instanceof SdkError && error.cause !== undefined) return faultText(error.cause);
  const cause = error instanceof TypeError ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
}

/** Whether the server answered at all, even with an error. */
export function hasAnswered(error: unknown): boolean {
  return (
    error instanceof ProtocolError ||
    (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)
  );
}

/**
 * Whether an HTTP answer leaves the era of the server open: it failed, or it does not belong to the
 * protocol.
 */
export function isUnclear(error: unknown): boolean {
  if (error instanceof SdkHttpError) return (error.data.status ?? 0) >= 500;
  const cause = error instanceof SdkError ? error.cause : undefined;
  if (cause instanceof SdkError) return cause.code === SdkErrorCode.ClientHttpUnexpectedContent;
  return cause instanceof SyntaxError;
}

/** The versions that a server supports, if it refused because of the version. */
export function versionsOf(error: unknown): readonly string[] | undefined {
  if (error instanceof UnsupportedProtocolVersionError) return error.supported;
  if (!(error instanceof ProtocolError) || error.code !== unsupportedVersion) return undefined;
  const { data } = error;
  const supported =
    typeof data === "object" && data !== null && "supported" in data && data.supported;
  if (!Array.isArray(supported)) return undefined;
  return supported.filter((version) => typeof version === "string");
}

function httpText({ data, message }: SdkHttpError): string {
  if (data.status === undefined) return message;
  const said = typeof data.text === "string" ? data.text.trim() : "";
  return `it answered with HTTP ${data.status}${said === "" ? "" : `: ${said}`}`;
}
