import { readFileSync } from "node:fs";
import { Ajv, type Options } from "ajv";
import { Ajv2020 } from "ajv/dist/2020";

export type Json = Record<string, unknown>;

// Documents are no schemas as a whole, so not every key in them is a keyword.
const OPTIONS: Options = {
  strict: false,
  ownProperties: true,
  allErrors: true,
  formats: { "date-time": true },
};

/** One of the committed documents: the parts of it by reference, and what its schemas say of a value. */
export class Document<Root> {
  readonly root: Root;
  readonly #ajv: Ajv | Ajv2020;

  constructor(name: "asyncapi.json" | "openapi.json") {
    this.root = JSON.parse(readFileSync(`schemas/${name}`, "utf8")) as Root;
    this.#ajv = name === "openapi.json" ? new Ajv2020(OPTIONS) : new Ajv(OPTIONS);
    this.#ajv.addSchema(this.root as object, "document", undefined, false);
  }

  has(pointer: string): boolean {
    return this.#ajv.getSchema(`document${pointer}`) !== undefined;
  }

  /** What is wrong with the value, by the schema at the JSON pointer; empty when nothing is. */
  violations(pointer: string, value: unknown): string[] {
    const check = this.#ajv.getSchema(`document${pointer}`);
    if (check === undefined) return [`there is no ${pointer}`];
    if (check(value) === true) return [];
    return (check.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
  }

  /** The part at the end of a chain of references. */
  resolve<T>(ref: string): { pointer: string; part: T } {
    const keys = ref.slice("#/".length).split("/");
    let part: unknown = this.root;
    for (const key of keys) part = (part as Json | undefined)?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")]; // prettier-ignore
    if (part === undefined) throw new Error(`there is no ${ref}`);
    const next = (part as { $ref?: string }).$ref;
    return next === undefined ? { pointer: ref, part: part as T } : this.resolve(next);
  }
}

/** The JSON pointer to a part, each key given as it is. */
export function pointerTo(...keys: string[]): string {
  return `#/${keys.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
}
