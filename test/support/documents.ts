import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020";

/** One of the committed documents, and what its schemas say about a value. */
export class Document<Root> {
  readonly root: Root;
  readonly #ajv: Ajv;

  constructor(name: "asyncapi.json" | "openapi.json") {
    this.root = JSON.parse(readFileSync(`schemas/${name}`, "utf8")) as Root;
    const Validator = name === "openapi.json" ? Ajv2020 : Ajv;
    const formats = { "date-time": true } as const;
    // Not strict: a document has keys that are no keywords of a schema.
    this.#ajv = new Validator({ strict: false, ownProperties: true, allErrors: true, formats });
    this.#ajv.addSchema(this.root as object, "document", undefined, false);
  }

  /** Returns the violations of the schema at this path of keys; none if the value is valid. */
  violations(path: readonly string[], value: unknown): string[] {
    const pointer = path
      .map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const check = this.#ajv.getSchema(`document#/${pointer}`);
    if (check === undefined) throw new Error(`the document has no ${pointer}`);
    if (check(value) === true) return [];
    return (check.errors ?? []).map(({ instancePath, message = "" }) => `${instancePath} ${message}`);
  }
}
