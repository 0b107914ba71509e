/**
 * Examples have made-up values where the server puts its own: offsets, times. Two that are equal in the example
 * must be equal in what the server says, so the first time one is met it is noted what it stands for.
 */
export class AssignedValues {
  readonly #keys: ReadonlySet<string>;
  /** value in the example → the server's */
  readonly #known = new Map<string, string>();

  constructor(keys: readonly string[]) {
    this.#keys = new Set(keys);
  }

  /** The example as the server has to know it. */
  toSend<T>(example: T): T {
    return this.#replaced(example) as T;
  }

  /** Notes what is new in the answer; returns the example as it then has to be. */
  expected(example: unknown, actual: unknown): unknown {
    this.#learn(example, actual, "");
    return this.#replaced(example);
  }

  #learn(example: unknown, actual: unknown, key: string): void {
    if (typeof example === "string" && typeof actual === "string") {
      if (this.#keys.has(key) && !this.#known.has(example)) this.#known.set(example, actual);
    } else if (isObject(example) && isObject(actual)) {
      for (const [name, value] of Object.entries(example)) this.#learn(value, actual[name], name);
    }
  }

  #replaced(value: unknown): unknown {
    if (typeof value === "string") return this.#known.get(value) ?? this.#inText(value);
    if (Array.isArray(value)) return value.map((item) => this.#replaced(item));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#replaced(inner)]));
  }

  /** An offset may stand in a URL. */
  #inText(text: string): string {
    return text.replace(/(?<=[?&](?:before|after)=)[^&]*/g, (value) => this.#known.get(value) ?? value);
  }
}

/** Lists count, too: their items stand under the list's indices. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
