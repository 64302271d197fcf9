// The places of a source file where a change should make a test fail, and the change of each.
import { parseAst } from "rolldown/parseAst";

/**
 * @typedef {{ operator: string, start: number, end: number, text: string }} Place
 *   What is to be replaced by `text`, in UTF-16 units of the source.
 */

const swapped = { "<": "<=", "<=": "<", ">": ">=", ">=": ">", "===": "!==", "!==": "===" };
const otherLogic = { "&&": "||", "||": "&&" };
const otherLimit = { "Math.min": "Math.max", "Math.max": "Math.min" };
/** Methods whose result can take the place of what they were called on. */
const chained = new Set([
  ...["filter", "map", "flatMap", "sort", "toSorted", "reverse", "toReversed", "slice", "concat"],
  ...["trim", "trimEnd", "toLowerCase", "normalize", "optional", "strict", "catch"],
]);

/** By the kind of a node, the changes that are made to it. */
const operators = {
  IfStatement: (node, text) => [negated("negate a condition", node.test, text)],
  WhileStatement: (node, text) => [negated("negate a condition", node.test, text)],
  ConditionalExpression: (node, text) => [negated("negate a condition", node.test, text)],
  BinaryExpression(node, text) {
    const operator = swapped[node.operator];
    return operator === undefined ? [] : [joined("swap a comparison", node, operator, text)];
  },
  LogicalExpression(node, text) {
    const operator = otherLogic[node.operator];
    const left = { ...spanOf(node), operator: "drop a fallback", text: of(node.left, text) };
    return operator === undefined ? [left] : [joined("swap && and ||", node, operator, text)];
  },
  ExpressionStatement: (node) =>
    node.directive === undefined && !isSuper(node.expression)
      ? [{ ...spanOf(node), operator: "drop a statement", text: ";" }]
      : [],
  FunctionDeclaration: earlyReturn,
  FunctionExpression: earlyReturn,
  ArrowFunctionExpression: earlyReturn,
  Literal: changedConstant,
  CallExpression(node, text) {
    const { callee } = node;
    const limit = otherLimit[of(callee, text)];
    if (limit !== undefined) {
      return [{ ...spanOf(callee), operator: "swap min and max", text: limit }];
    }
    if (callee.type !== "MemberExpression" || callee.computed) return [];
    if (!chained.has(callee.property.name)) return [];
    const rest = of(callee.object, text);
    return [{ ...spanOf(node), operator: "drop a link of a chain", text: rest }];
  },
  AwaitExpression: (node, text) => [
    { ...spanOf(node), operator: "drop an await", text: `(${of(node.argument, text)})` },
  ],
  CatchClause: (node) =>
    node.body.body.length === 0
      ? []
      : [{ ...spanOf(node.body), operator: "empty a catch", text: "{}" }],
  TryStatement: ({ finalizer }) =>
    finalizer === null ? [] : [{ ...spanOf(finalizer), operator: "empty a finally", text: "{}" }],
};

/**
 * Every place of a source, in order.
 *
 * @param {string} source TypeScript
 * @returns {Place[]}
 */
export function placesIn(source) {
  const places = [];
  visit(parseAst(source, { lang: "ts" }), (node) => {
    for (const place of operators[node.type]?.(node, source) ?? []) {
      if (of(place, source) !== place.text) places.push(place);
    }
  });
  return places.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The source with one place changed. */
export function changed(source, { start, end, text }) {
  return source.slice(0, start) + text + source.slice(end);
}

function visit(node, look) {
  // Types are gone when the tests run.
  if (node.type.startsWith("TS") && !("expression" in node)) return;
  if (node.type === "ImportDeclaration") return;
  look(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") visit(child, look);
    }
  }
}

const spanOf = ({ start, end }) => ({ start, end });
const of = ({ start, end }, text) => text.slice(start, end);
const isSuper = (expression) => expression.callee?.type === "Super";

function negated(operator, node, text) {
  return { ...spanOf(node), operator, text: `!(${of(node, text)})` };
}

function joined(operator, node, sign, text) {
  const changedText = `(${of(node.left, text)} ${sign} ${of(node.right, text)})`;
  return { ...spanOf(node), operator, text: changedText };
}

function earlyReturn({ body }) {
  if (body?.type !== "BlockStatement" || body.body.length === 0) return [];
  const { start } = body;
  return [{ start, end: start + 1, operator: "return early", text: "{ return;" }];
}

function changedConstant(node) {
  const operator = "change a constant";
  if (typeof node.value === "boolean") {
    return [{ ...spanOf(node), operator, text: String(!node.value) }];
  }
  if (typeof node.value !== "number") return [];
  return [{ ...spanOf(node), operator, text: String(node.value === 0 ? 1 : node.value * 2) }];
}
