// How the scripted agent plays a run of a random history: its prompt names it and its steps, as in `run-7:
// tool, say`. What is done is noted before it is told, so that a run that was cut off goes on behind it.
const form = /^(\S+): (.*)$/;

/**
 * Plays it. `texts` are the texts of the session, this prompt among them; `noted` are the lines that were
 * noted before, by any program. Resolves with the reason to stop.
 */
export async function playRun({ texts, prompt, pauseMs, noted, note, onCancel, step }) {
  let isCancelled = false;
  onCancel(() => {
    isCancelled = true;
  });
  const isFirst = form.test(prompt);
  // One that is to finish the last request looks up which it was.
  const last = isFirst ? prompt : texts.findLast((text) => lastRunOf(text) !== undefined);
  const [, runId, script] = lastRunOf(last ?? "") ?? [];
  if (isFirst) note(`run ${runId}`);
  if (runId === undefined) step("say", "There is nothing to finish.");
  for (const [index, verb] of (script?.split(", ") ?? []).entries()) {
    if (isCancelled) return "cancelled";
    const key = `${runId}#${index}`;
    // The user's own prompt would be done as if it were new.
    const isDone = !isFirst && noted.includes(`step ${key}`);
    if (verb === "say") {
      step("say", `${runId} `);
      await pause(pauseMs);
      step("say", "is done");
      await pause(pauseMs);
      step("say", ".");
      if (!isDone) note(`step ${key}`);
    } else if (!isDone) {
      step("think", "I look ");
      await pause(pauseMs);
      note(`step ${key}`);
      await step("command", key);
      await pause(pauseMs);
    }
  }
  return isCancelled ? "cancelled" : "end_turn";
}

/** The last run that a text names: an account of what was said before may stand ahead of it. */
function lastRunOf(text) {
  const line = text.split("\n").findLast((one) => form.test(one));
  return line === undefined ? undefined : form.exec(line);
}

function pause(mostMs) {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}
