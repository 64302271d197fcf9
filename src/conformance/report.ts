// What a person, a program and a CI server are told of the results.
import type { Requirement } from "./requirement.js";
import type { CheckResult } from "./runChecks.js";

/** How many results there are of each kind. */
export function countsOf(results: readonly CheckResult[]) {
  const count = (outcome: CheckResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** One result for a person: a line, and for a failure all that helps to find it. */
export function resultText({ requirement, framing, outcome, reason, transcript }: CheckResult) {
  const mark = { passed: "ok     ", failed: "FAILED ", skipped: "skipped" }[outcome];
  const head = `${mark} ${requirement.id} (${framing})`;
  if (outcome === "passed") return head;
  if (outcome === "skipped") return `${head}: ${reason}`;
  return [
    head,
    `    ${requirement.level}, protocol.md section ${requirement.section}: ${requirement.sentence}`,
    `    ${reason}`,
    "    the last frames:",
    ...(transcript ?? []).map((line) => `      ${line}`),
  ].join("\n");
}

/** A requirement as `--list` shows it. */
export function requirementText({ id, section, level, group, sentence }: Requirement): string {
  return `${id}\t${level}\t${group}\tsection ${section}\t${sentence}`;
}

/** A requirement for a program. */
export function requirementJson({ id, section, level, group, sentence }: Requirement) {
  return { id, section, level, group, sentence };
}

/** All results for a program. */
export function resultsJson(results: readonly CheckResult[]): object {
  return {
    ...countsOf(results),
    results: results.map(({ requirement, ...rest }) => ({
      ...requirementJson(requirement),
      ...rest,
    })),
  };
}

/** All results as JUnit's XML, which CI servers show. */
export function resultsJunit(results: readonly CheckResult[]): string {
  const { failed, skipped } = countsOf(results);
  const cases = results.map((result) => {
    const { requirement, framing, outcome, reason = "", transcript = [], durationMs } = result;
    const name = `name="${escaped(requirement.id)}" classname="turnwire.${framing}" time="${durationMs / 1000}"`;
    if (outcome === "passed") return `  <testcase ${name}/>`;
    const inner =
      outcome === "skipped"
        ? `<skipped message="${escaped(reason)}"/>`
        : `<failure message="${escaped(reason)}">${escaped([requirement.sentence, ...transcript].join("\n"))}</failure>`;
    return `  <testcase ${name}>${inner}</testcase>`;
  });
  const head = `<testsuite name="turnwire conformance" tests="${results.length}" failures="${failed}" skipped="${skipped}">`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...cases, "</testsuite>", ""].join("\n");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** A text as XML may hold it, which control characters are not. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => entities[character] ?? character)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "�");
}
