import { ANY_ORIGIN } from "../access/origins";

/** A variable that cannot be used. The message is one line that names the variable. */
export class ConfigError extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws. Takes the end of a sentence that begins with the variable's name: `must be one of on, off`. */
export type Refuse = (problem: string) => never;

/** Converts text that is trimmed and not empty, or refuses it. */
type Parse<Value> = (given: string, refuse: Refuse) => Value;

/** One environment variable: its check, and what docs/CONFIGURATION.md says about it. */
export interface Variable<Value> {
  /** Kind and range of the value: `integer, 1 to 10`. */
  readonly type: string;
  readonly unit?: string | undefined;
  readonly description: string;
  /** The value while the variable is not set. */
  readonly default: Value;
  /** The default as Markdown, or what the service does without the variable. */
  readonly defaultText: string;
  readonly parse: Parse<Value>;
}

export type VariableTable = Readonly<Record<string, Variable<unknown>>>;

/** Name → value, for the variables of a table. */
export type ValuesOf<Table extends VariableTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Variable<infer Value> ? Value : never;
};

interface Options<Default> {
  default: Default;
  unit?: string;
  description: string;
}

/** For a variable that is `undefined` while it is not set. */
interface Optional {
  /** What the service does without the variable, as Markdown. */
  unset: string;
  description: string;
}

const MAX_INTEGER = 1e12; // larger than any sensible value

/** A whole number from `min` (default 0) to `max` (default 1e12, which the texts do not mention). */
export function integer(options: Options<number> & { min?: number; max?: number }): Variable<number> {
  const { min = 0, max = MAX_INTEGER } = options;
  const range = max === MAX_INTEGER ? `at least ${String(min)}` : `${String(min)} to ${String(max)}`;
  return withDefault(`integer, ${range}`, options, (given, refuse) => {
    const value = /^\d+$/.test(given) ? Number(given) : NaN;
    if (value >= min && value <= max) return value;
    return refuse(`must be a whole number, ${range}, not "${given}"`);
  });
}

export function oneOf(allowed: readonly string[], options: Options<string>): Variable<string> {
  const type = `one of ${allowed.map((value) => `\`${value}\``).join(", ")}`;
  return withDefault(type, options, (given, refuse) =>
    allowed.includes(given) ? given : refuse(`must be one of ${allowed.join(", ")}, not "${given}"`),
  );
}

/** `on` or `off`; the value is true for `on`. */
export function onOff(options: Options<"on" | "off">): Variable<boolean> {
  const variable = oneOf(["on", "off"], options);
  return {
    ...variable,
    type: "`on` or `off`",
    default: options.default === "on",
    parse: (given, refuse) => variable.parse(given, refuse) === "on",
  };
}

/** Text, which must match `pattern` if there is one. */
export function text(options: Options<string> & { pattern?: RegExp }): Variable<string> {
  const { pattern } = options;
  const type = pattern === undefined ? "text" : `text that matches \`${pattern.source}\``;
  return withDefault(type, options, (given, refuse) => {
    if (pattern === undefined || pattern.test(given)) return given;
    return refuse(`must match ${pattern.source}, not "${given}"`);
  });
}

/** Origins such as `https://chat.example.com`, separated by commas. `*` stands for every origin. */
export function origins(options: Options<string>): Variable<string[]> {
  const variable = withDefault("origins", options, (given) => given);
  return {
    ...variable,
    default: [options.default],
    parse: (given, refuse) => {
      const list = given.split(",").map((origin) => origin.trim());
      const wrong = list.find((origin) => !isOrigin(origin));
      if (wrong === undefined) return list;
      return refuse(`must list origins like https://chat.example.com, or *, not "${wrong}"`);
    },
  };
}

export function optionalText(options: Optional): Variable<string | undefined> {
  return optional("text", options, (given) => given);
}

/** A secret of the form `rule`, for example `at least 32 bytes`. An error does not show its value. */
export function secret(
  options: Optional & { rule: string; isValid: (given: string) => boolean },
): Variable<string | undefined> {
  const { rule, isValid } = options;
  return optional(`secret, ${rule}`, options, (given, refuse) =>
    isValid(given) ? given : refuse(`must have ${rule}`),
  );
}

/** A URL with one of the `protocols`. An error shows the `form`, not the value, which may hold a password. */
export function url(
  options: Optional & { protocols: readonly string[]; form: string },
): Variable<string | undefined> {
  const { protocols, form } = options;
  return optional("URL", options, (given, refuse) =>
    URL.canParse(given) && protocols.includes(new URL(given).protocol)
      ? given
      : refuse(`must be like ${form}`),
  );
}

/** Reads the variables in the order of the table. Throws a ConfigError for the first one that cannot be used. */
export function readVariables<Table extends VariableTable>(table: Table, env: Environment): ValuesOf<Table> {
  const values = Object.entries(table).map(([name, variable]) => {
    const refuse: Refuse = (problem) => {
      throw new ConfigError(`${name} ${problem.replace(/[\r\n]+/g, " ")}`); // the value may have line breaks
    };
    const given = givenText(env, name);
    return [name, given === undefined ? variable.default : variable.parse(given, refuse)];
  });
  return Object.fromEntries(values) as ValuesOf<Table>;
}

/** Shells and dashboards unset a variable by making it empty, so empty counts as not set. */
export function givenText(env: Environment, name: string): string | undefined {
  const given = env[name]?.trim();
  return given === "" ? undefined : given;
}

function withDefault<Value extends string | number>(
  type: string,
  { default: value, unit, description }: Options<Value>,
  parse: Parse<Value>,
): Variable<Value> {
  return { type, unit, description, default: value, defaultText: `\`${String(value)}\``, parse };
}

function optional(
  type: string,
  { unset, description }: Optional,
  parse: Parse<string>,
): Variable<string | undefined> {
  return { type, description, default: undefined, defaultText: unset, parse };
}

function isOrigin(given: string): boolean {
  return given === ANY_ORIGIN || (URL.canParse(given) && new URL(given).origin === given);
}
