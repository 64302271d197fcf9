// Checks frames of the Agent Client Protocol with the schemas of its own kit.
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const schema = JSON.parse(
  readFileSync(
    new URL("../../node_modules/@agentclientprotocol/sdk/schema/v1/schema.json", import.meta.url),
    "utf8",
  ),
);

interface Definition {
  readonly "x-method"?: string;
  readonly properties?: object;
  readonly $ref?: string;
  readonly allOf?: readonly Definition[];
  readonly anyOf?: readonly Definition[];
  readonly oneOf?: readonly Definition[];
}
const definitions = schema.$defs as Readonly<Record<string, Definition>>;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(schema, "acp");

/** What a frame carries of a method. */
export type FrameKind = "Request" | "Response" | "Notification";

/**
 * What is wrong with the params or the result of a method; nothing where the schema has no such method.
 * A member that the schema does not have is wrong too: it stands in `_meta`.
 */
export function problemsOf(method: string, kind: FrameKind, value: unknown): string[] {
  const name = Object.keys(definitions).find(
    (one) => definitions[one]?.["x-method"] === method && one.endsWith(kind),
  );
  if (name === undefined) return [];
  const validate = validatorOf(name);
  const wrong = validate(value) ? [] : [`${name}: ${ajv.errorsText(validate.errors)}`];
  const known = membersOf(definitions[name]);
  const unknown = Object.keys(value ?? {}).filter((key) => !known.includes(key));
  return unknown.length === 0 ? wrong : [...wrong, `${name} has ${unknown}`];
}

function membersOf(definition: Definition = {}): string[] {
  const { properties = {}, $ref = "", allOf = [], anyOf = [], oneOf = [] } = definition;
  const named = definitions[$ref.replace("#/$defs/", "")];
  const parts = [...allOf, ...anyOf, ...oneOf, ...(named === undefined ? [] : [named])];
  return [...Object.keys(properties), ...parts.flatMap(membersOf)];
}

function validatorOf(name: string): ValidateFunction {
  const found = ajv.getSchema(`acp#/$defs/${name}`);
  if (found === undefined) throw new Error(`the schema has no ${name}`);
  return found;
}
