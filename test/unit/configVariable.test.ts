import {
  ConfigError,
  integer,
  matching,
  ON_OFF,
  oneOf,
  optional,
  readVariables,
  TEXT,
  variable,
} from "../../src/config/variable";

const TABLE = {
  COUNT: integer(3, { min: 1, max: 5, unit: "things" }, "How many."),
  MORE: integer(7, {}, "How many more."),
  KIND: variable(oneOf("a", "b"), "a", "Which."),
  SWITCH: variable(ON_OFF, "off", "Whether."),
  NAME: variable(matching(/^[a-z]+$/), "n", "Whose."),
  NOTE: optional(TEXT, "no note", "Why."),
};

test("variables that are not set have their defaults", () => {
  const values = { COUNT: 3, MORE: 7, KIND: "a", SWITCH: false, NAME: "n", NOTE: undefined };
  expect(readVariables(TABLE, {})).toEqual(values);
  expect(readVariables(TABLE, { COUNT: "", KIND: "  ", NOTE: "\t" })).toEqual(values);
});

test("text becomes a value of the variable's type, without the spaces around it", () => {
  const env = { COUNT: " 5 ", MORE: "0", KIND: "b", SWITCH: "on", NAME: "name", NOTE: " two words " };
  expect(readVariables(TABLE, env)).toEqual({
    COUNT: 5,
    MORE: 0,
    KIND: "b",
    SWITCH: true,
    NAME: "name",
    NOTE: "two words",
  });
});

test.each([
  [{ COUNT: "0" }, 'COUNT must be a whole number, 1 to 5, not "0"'],
  [{ COUNT: "6" }, 'COUNT must be a whole number, 1 to 5, not "6"'],
  [{ MORE: "-1" }, 'MORE must be a whole number, at least 0, not "-1"'],
  [{ MORE: "0x10" }, 'MORE must be a whole number, at least 0, not "0x10"'],
  [{ MORE: "1000000000001" }, 'MORE must be a whole number, at least 0, not "1000000000001"'],
  [{ KIND: "a\nb" }, 'KIND must be one of a, b, not "a b"'],
  [{ KIND: "c" }, 'KIND must be one of a, b, not "c"'],
  [{ SWITCH: "true" }, 'SWITCH must be one of on, off, not "true"'],
  [{ NAME: "N" }, 'NAME must match ^[a-z]+$, not "N"'],
  [{ NAME: "N", COUNT: "x" }, 'COUNT must be a whole number, 1 to 5, not "x"'],
])("%j is refused with the name of the first wrong variable", (env, message) => {
  expect(() => readVariables(TABLE, env)).toThrow(new ConfigError(message));
});

test("the documentation of a variable follows from its kind", () => {
  const { COUNT, MORE, KIND, SWITCH, NOTE } = TABLE;
  expect(COUNT).toMatchObject({ type: "integer, 1 to 5", unit: "things", defaultText: "`3`" });
  expect(MORE.type).toBe("integer, at least 0");
  expect(KIND).toMatchObject({ type: "one of `a`, `b`", defaultText: "`a`" });
  expect(SWITCH).toMatchObject({ type: "`on` or `off`", defaultText: "`off`" });
  expect(NOTE).toMatchObject({ type: "text", defaultText: "no note" });
});
