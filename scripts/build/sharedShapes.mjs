// Makes objects that begin with a copy of another one share their hidden class. In Node 20, each object
// that `{ ...one, more: 1 }` makes has a class of its own, which takes longer to make than the object, takes
// more memory, and makes everything that reads its members slower. With the copy of an empty object in
// front, all of them have the same one. To the language it is the same.
import { parse } from "acorn";

/** A copy of nothing. */
const front = `...${"{}"},`;

/** The code of a script, with an empty object in front of what each such object begins with. */
export function withSharedShapes(code) {
  const places = [];
  const waiting = [parse(code, { ecmaVersion: "latest", allowReturnOutsideFunction: true })];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (isMeant(node)) places.push(node.start + "{".length);
    for (const value of Object.values(node)) {
      const inner = Array.isArray(value) ? value : [value];
      for (const one of inner) if (typeof one?.type === "string") waiting.push(one);
    }
  }
  places.sort((one, other) => one - other);
  const ends = [...places, code.length];
  return places.reduce(
    (done, place, index) => `${done}${front}${code.slice(place, ends[index + 1])}`,
    code.slice(0, ends[0]),
  );
}

/** A copy alone has the class of what was copied. */
function isMeant({ type, properties }) {
  if (type !== "ObjectExpression" || properties.length < 2) return false;
  return properties[0].type === "SpreadElement";
}
