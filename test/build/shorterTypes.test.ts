// The build shortens the declarations that are packed. Every type must stay what it is.
import { expect, it } from "vitest";
import { withNamedSchemas, withOneImport } from "../../scripts/build/shorterTypes.mjs";

const todo = `declare const Todo: LazySchema<z.ZodObject<{
  text: z.ZodString;
  done: z.ZodBoolean;
}, z.core.$strip>>;
`;

it("names a schema in what holds all of it, however far in", () => {
  const list = `declare const methods: {
  readonly list: MethodDeclaration<"list", z.ZodObject<{}, z.core.$strip>, z.ZodObject<{
    todos: z.ZodArray<z.ZodObject<{
      text: z.ZodString;
      done: z.ZodBoolean;
    }, z.core.$strip>>;
  }, z.core.$strip>>;
};
`;
  expect(withNamedSchemas(todo + list)).toBe(`${todo}declare const methods: {
  readonly list: MethodDeclaration<"list", z.ZodObject<{}, z.core.$strip>, z.ZodObject<{
    todos: z.ZodArray<ReturnType<typeof Todo>>;
  }, z.core.$strip>>;
};
`);
});

it("names a request where it stands among others", () => {
  const ask = `MethodDeclaration<"ask", z.ZodObject<{
  id: z.ZodString;
}, z.core.$strip>, z.ZodObject<{}, z.core.$strip>>;
`;
  const all = `declare const all: {
  readonly ask: ${ask.trimEnd().replaceAll("\n", "\n  ")}
};
`;
  expect(withNamedSchemas(`declare const ask: ${ask}${all}`)).toBe(
    `declare const ask: ${ask}declare const all: {
  readonly ask: typeof ask;
};
`,
  );
});

it("names the first of two equal schemas in the second, and none in itself", () => {
  const other = todo.replace("Todo", "Other");
  expect(withNamedSchemas(todo + other)).toBe(
    `${todo}declare const Other: LazySchema<ReturnType<typeof Todo>>;\n`,
  );
});

it("leaves what has a member more, or a comment, as it is", () => {
  const more = todo.replace("Todo", "More").replace("\n}, ", "\n  at: z.ZodDate;\n}, ");
  const told = todo.replace("Todo", "Told").replace("  done", "  /** All of it. */\n  done");
  expect(withNamedSchemas(todo + more + told)).toBe(todo + more + told);
});

it("imports once what has a second name", () => {
  const text = `import { Result, Result as Result$1, Run as Run$1, Todo } from "./protocol.cjs";
type Mine = [Result$1<"a">, Run$1, Result$10, Todo];
export { type Result };
`;
  expect(withOneImport(text)).toBe(`import { Result, Run as Run$1, Todo } from "./protocol.cjs";
type Mine = [Result<"a">, Run$1, Result$10, Todo];
export { type Result };
`);
});
