// Stands in the bundle for the part of @modelcontextprotocol/client that differs between platforms: its
// validator of a server's schemas (Ajv, a third of the whole) is never used here, since src/mcp hands
// the client its own.

/** Whether a browser may hide an answer; Node never does. */
export const CORS_IS_POSSIBLE = false;

/** Never made. */
export class DefaultJsonSchemaValidator {
  constructor() {
    throw new Error("a tool server's schemas are not checked");
  }
}
