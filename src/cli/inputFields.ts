/**
 * What a tool server wants to know, as fields that a line at the terminal can fill (the simple schemas
 * of the Model Context Protocol). Patterns of a schema are not tried: they may take for ever, and the
 * server that asks checks the answer anyway.
 */
import { defined } from "../base/defined.js";
import type { InputAnswer } from "../protocol/registry.js";

type Value = NonNullable<InputAnswer["content"]>[string];
type Json = Readonly<Record<string, unknown>>;

/** One thing to be filled in. */
export interface InputField {
  readonly name: string;
  readonly title: string;
  /** What may be said, in a few words; the choices, where there are some, are lines of their own. */
  readonly hint: string;
  readonly choices: readonly { readonly value: string; readonly title: string }[];
  readonly isRequired: boolean;
  /** What an empty line stands for. */
  readonly fallback?: Value;
  /** What a line that is not empty stands for; undefined where it does not fit. */
  read(line: string): Value | undefined;
}

/** The most fields that are asked for one after the other. */
const mostFields = 50;

/** The fields of a schema; undefined where one that is required cannot be filled by a line. */
export function fieldsOf(schema: Json): readonly InputField[] | undefined {
  const properties = Object.entries(objectOf(schema.properties) ?? {});
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const fields: InputField[] = [];
  for (const [name, property] of properties) {
    const field = fieldOf(name, objectOf(property) ?? {}, required.has(name));
    if (field !== undefined) fields.push(field);
    else if (required.has(name)) return undefined;
  }
  return fields.length > mostFields ? undefined : fields;
}

function fieldOf(name: string, property: Json, isRequired: boolean): InputField | undefined {
  const kind = kindOf(property);
  if (kind === undefined) return undefined;
  const words = [property.title ?? name, property.description].filter(
    (one) => typeof one === "string" && one !== "",
  );
  const fallback = defaultOf(property.default);
  return { name, title: words.join(": "), isRequired, ...kind, ...defined({ fallback }) };
}

type Kind = Pick<InputField, "hint" | "choices" | "read">;

function kindOf(property: Json): Kind | undefined {
  switch (property.type) {
    case "boolean":
      return { hint: "yes or no", choices: [], read: readBoolean };
    case "number":
    case "integer":
      return numberKind(property);
    case "string": {
      const choices = choicesOf(property);
      if (choices === undefined) return textKind(property);
      return { hint: "one of them", choices, read: (line) => chosen(choices, line) };
    }
    case "array": {
      const choices = choicesOf(objectOf(property.items) ?? {});
      if (choices === undefined) return undefined;
      return {
        hint: "any of them, with commas between",
        choices,
        read: readMany(property, choices),
      };
    }
    default:
      return undefined;
  }
}

function readBoolean(line: string): boolean | undefined {
  if (/^(?:y|yes|true)$/i.test(line)) return true;
  return /^(?:n|no|false)$/i.test(line) ? false : undefined;
}

function numberKind({ type, minimum, maximum }: Json): Kind {
  const [least, most] = [numberOf(minimum) ?? -Infinity, numberOf(maximum) ?? Infinity];
  const bounds = [
    ...(least === -Infinity ? [] : [`at least ${least}`]),
    ...(most === Infinity ? [] : [`at most ${most}`]),
  ];
  return {
    hint: [type === "integer" ? "a whole number" : "a number", ...bounds].join(", "),
    choices: [],
    read(line) {
      const value = Number(line);
      const fits = Number.isFinite(value) && value >= least && value <= most;
      return fits && (type !== "integer" || Number.isSafeInteger(value)) ? value : undefined;
    },
  };
}

function textKind({ format, minLength, maxLength }: Json): Kind {
  const [least, most] = [numberOf(minLength) ?? 0, numberOf(maxLength) ?? Infinity];
  return {
    hint: typeof format === "string" ? `text: ${format}` : "text",
    choices: [],
    read: (line) => (line.length >= least && line.length <= most ? line : undefined),
  };
}

function choicesOf(property: Json): InputField["choices"] | undefined {
  const titled = [property.oneOf, property.anyOf].find(Array.isArray);
  const list: unknown[] | undefined = Array.isArray(property.enum) ? property.enum : titled;
  if (list === undefined) return undefined;
  const names: unknown[] = Array.isArray(property.enumNames) ? property.enumNames : [];
  return list.flatMap((entry, index) => {
    const { const: constant, title = names[index] } = objectOf(entry) ?? { const: entry };
    if (typeof constant !== "string") return [];
    return [{ value: constant, title: typeof title === "string" ? title : constant }];
  });
}

/** A choice, by its number or by what it says. */
function chosen(choices: InputField["choices"], line: string): string | undefined {
  const byText = choices.find(({ value, title }) => line === value || line === title);
  return (byText ?? (/^\d{1,4}$/.test(line) ? choices[Number(line) - 1] : undefined))?.value;
}

function readMany({ minItems, maxItems }: Json, choices: InputField["choices"]) {
  return (line: string): string[] | undefined => {
    const values = line.split(",").map((one) => chosen(choices, one.trim()));
    const known = [...new Set(values.filter((value) => value !== undefined))];
    const isEach = values.every((value) => value !== undefined);
    const fits =
      known.length >= (numberOf(minItems) ?? 0) && known.length <= (numberOf(maxItems) ?? Infinity);
    return isEach && fits ? known : undefined;
  };
}

function defaultOf(given: unknown): Value | undefined {
  if (typeof given === "string" || typeof given === "number" || typeof given === "boolean") {
    return given;
  }
  return Array.isArray(given) && given.every((one) => typeof one === "string") ? given : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function objectOf(value: unknown): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Json;
}
