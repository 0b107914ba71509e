import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020";

/** One of the committed documents, and what its schemas say about a value. */
export class Document<Root> {
  readonly root: Root & { "x-assigned-by-server": string[] };
  readonly #ajv: Ajv;

  constructor(name: "asyncapi.json" | "openapi.json") {
    this.root = JSON.parse(readFileSync(`schemas/${name}`, "utf8")) as Document<Root>["root"];
    const Validator = name === "openapi.json" ? Ajv2020 : Ajv;
    const formats = { "date-time": true } as const;
    // Not strict: a document has keys that are no keywords of a schema.
    this.#ajv = new Validator({ strict: false, ownProperties: true, allErrors: true, formats });
    this.#ajv.addSchema(this.root as object, "document", undefined, false);
  }

  /** Returns the violations of the schema at this path of keys; none if the value is valid. */
  violations(path: readonly string[], value: unknown): string[] {
    const escaped = path.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1")));
    const check = this.#ajv.getSchema(`document#/${escaped.join("/")}`);
    if (check === undefined) throw new Error(`the document has no ${path.join(" → ")}`);
    const errors = check(value) === true ? [] : (check.errors ?? []);
    return errors.map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
  }
}

/**
 * Pairs the values of an example with those that the server assigned, such as offsets and timestamps. Two values that
 * are equal in the example must be equal in the answers of the server.
 */
export class AssignedValues {
  readonly #pattern: RegExp;
  /** value in the example → the server's */
  readonly #known = new Map<string, string>();

  constructor({ root }: Document<unknown>) {
    this.#pattern = new RegExp(`(?<="(?:${root["x-assigned-by-server"].join("|")})":")[^"]+`, "g");
  }

  /** Returns the example with the values that the server assigned so far. */
  toSend<T>(example: T): T {
    const text = JSON.stringify({ example });
    const replaced = text.replace(/[\w:.-]+/g, (word) => this.#known.get(word) ?? word);
    return (JSON.parse(replaced) as { example: T }).example;
  }

  /** Learns the values that are new in the answer; returns what the answer must be equal to. */
  expected(example: unknown, actual: unknown): unknown {
    const [shown, assigned] = [{ example }, { actual }].map(
      (it) => JSON.stringify(it).match(this.#pattern) ?? [],
    );
    for (const [i, value] of (shown ?? []).entries())
      if (!this.#known.has(value)) this.#known.set(value, assigned?.[i] ?? value);
    return this.toSend(example);
  }
}
