/** Values that are not strings. */
export const NON_STRINGS: readonly [name: string, value: unknown][] = [
  ["null", null],
  ["a number", 5],
  ["true", true],
  ["a list", ["x"]],
  ["an object", {}],
  ["an object that looks like a string", { length: 1, 0: "x" }],
  ["binary", Buffer.from("x")],
];

/** Values that are not objects; a list is none either. */
export const NON_OBJECTS: readonly [name: string, value: unknown][] = [
  ["null", null],
  ["a number", 5],
  ["true", true],
  ["a string", "x"],
  ["a list", ["x"]],
];

/** Names of no room that have a meaning in JavaScript, EventEmitter, Socket.IO or the service, or look like a room's. */
export const HOSTILE_NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "/__proto__",
  "/constructor",
  "connect",
  "disconnect",
  "error",
  "newListener",
  "new_message",
  "presence_information",
  "server_error",
  "/",
  "/nowhere",
  "cooking",
  "/Cooking",
  "/cooking/",
  " /cooking",
  "/cooking\u0000",
  "/cooking\u200b",
  "/cook\u0130ng",
] as const;

/** Valid texts that terminals, logs of one line per entry or encoders may handle wrongly. */
export const AWKWARD_TEXTS: readonly [name: string, text: string][] = [
  ["a NUL", "a\u0000b"],
  ["line breaks", "a\nb\r\nc\u2028d\u2029e\u0085f"],
  ["ANSI escapes", "\u001b[31mred\u001b[0m\u001b]0;title\u0007\u009b2J"],
  ["a fake log line", '"}\n{"level":60,"msg":"forged"}'],
  ["the polling packet separator", "a\u001eb"],
  ["a lone high surrogate", "a\ud800b"],
  ["a lone low surrogate", "\udc00"],
  ["surrogates the wrong way round", "\udc00\ud800"],
  ["noncharacters", "\ufffe\uffff\u{1ffff}\ufeff"],
  ["right-to-left overrides", "\u202eabc\u2066"],
  ["stacked combining marks", `e${"\u0301".repeat(60)}`],
];

/** `{"a":{"a":…}}` or `[[…]]` as JSON text, because encoding such a deep object overflows the stack. */
export function nestedJson(depth: number, kind: "lists" | "objects"): string {
  if (kind === "lists") return "[".repeat(depth) + "]".repeat(depth);
  return '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
}

/** An object with `count` short keys. */
export function manyKeys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${String(index)}`, 0]));
}

/** A copy of the object without the key. */
export function without(object: object, key: string): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/** A copy of the object with an own property `__proto__`, as JSON.parse creates it. */
export function withOwnProto(object: object): object {
  return JSON.parse(`{"__proto__":{"isAdmin":true},${JSON.stringify(object).slice(1)}`) as object;
}
