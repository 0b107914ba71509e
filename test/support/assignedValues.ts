/**
 * Pairs the values of an example with those that the server assigned, such as offsets and timestamps. Two values that
 * are equal in the example must be equal in the answers of the server.
 */
export class AssignedValues {
  readonly #keys: readonly string[];
  /** value in the example → the server's */
  readonly #known = new Map<string, string>();

  /** `keys`: names of the fields whose values the server assigns. */
  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  /** Returns the example with the values that the server assigned so far. */
  toSend<T>(example: T): T {
    return this.#replace(example) as T;
  }

  /** Learns the values that are new in the answer; returns what the answer must be equal to. */
  expected(example: unknown, actual: unknown): unknown {
    this.#learn(example, actual, "");
    return this.#replace(example);
  }

  #learn(example: unknown, actual: unknown, key: string): void {
    if (typeof example === "string" && typeof actual === "string") {
      if (this.#keys.includes(key) && !this.#known.has(example)) this.#known.set(example, actual);
    } else if (isObject(example) && isObject(actual)) {
      for (const [name, value] of Object.entries(example)) this.#learn(value, actual[name], name);
    }
  }

  #replace(value: unknown): unknown {
    if (typeof value === "string") return this.#known.get(value) ?? this.#replaceInQuery(value);
    if (Array.isArray(value)) return value.map((item) => this.#replace(item));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#replace(inner)]));
  }

  #replaceInQuery(text: string): string {
    return text.replace(/(?<=[?&](?:before|after)=)[^&]*/g, (value) => this.#known.get(value) ?? value);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
