// The program that checks a schema, and a value against it. It is JavaScript, so that it
// can be started from the sources as well as from the build; checkOutput.ts says what it is given.
import { parentPort, workerData } from "node:worker_threads";
import { Ajv } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

const mostProblems = 10;
const { schema: schemaText, value: valueText } = workerData;

parentPort.postMessage(check());

function check() {
  let fits;
  try {
    const schema = JSON.parse(schemaText);
    const ajv = validatorFor(String(schema.$schema ?? ""));
    // ajv-formats is CommonJS: its default export is a member of what is imported.
    (formats.default ?? formats)(ajv);
    fits = ajv.compile(schema);
  } catch (error) {
    return { schemaProblem: String(error.message ?? error).slice(0, 500) };
  }
  if (valueText === undefined) return {};
  try {
    if (fits(JSON.parse(valueText))) return {};
  } catch (error) {
    return { problems: [`it cannot be checked: ${String(error.message ?? error).slice(0, 500)}`] };
  }
  return { problems: fits.errors.slice(0, mostProblems).map(told) };
}

/** Names that the schema's own dialect has; 2020-12 where it names none. No schema is ever fetched. */
function validatorFor(dialect) {
  const options = { strict: false, allErrors: true, logger: false };
  if (/draft-0[67]/.test(dialect)) return new Ajv({ ...options });
  return dialect.includes("2019-09") ? new Ajv2019(options) : new Ajv2020(options);
}

function told({ instancePath, message, params }) {
  const more = params.additionalProperty ?? params.allowedValues?.join(", ") ?? params.allowedValue;
  const shown = more === undefined ? "" : ` (${JSON.stringify(more)})`;
  return `${instancePath || "the value"}: ${message}${shown}`.slice(0, 300);
}
