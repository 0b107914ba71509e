import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig, VARIABLES } from "../../src/config";
import { DEFAULT_LIMITS } from "../../src/connections/limits";
import { temporaryDirectory } from "../support/temporaryDirectory";

function roomsFile(content: unknown): string {
  const file = join(temporaryDirectory(), "rooms.json");
  writeFileSync(file, JSON.stringify(content));
  return file;
}

test("an empty environment gives the documented defaults", () => {
  expect(loadConfig({})).toMatchObject({
    port: 34_000,
    host: undefined,
    allowedOrigins: ["http://localhost:3000"],
    logLevel: "info",
    dataDir: "./data",
    historyMaxMessages: 10_000,
    replayOnConnect: 0,
    trustProxy: 0,
    metricsToken: undefined,
    limits: { messagesPerSecond: 20, messagesBurst: 100, presencePerSecond: 5, presenceBurst: 20 },
  });
});

test("a variable that is set but empty counts as not set", () => {
  expect(loadConfig({ PORT: "", ALLOWED_ORIGINS: " ", ROOMS_FILE: "" })).toEqual(loadConfig({}));
});

test.each(["JWT_SECRET", "JWKS_URL"])("%s that is set but empty stops the start", (name) => {
  for (const value of ["", "  "]) expect(() => loadConfig({ [name]: value })).toThrow(`${name} is empty`);
});

test("origins are a comma separated list", () => {
  const { allowedOrigins } = loadConfig({ ALLOWED_ORIGINS: "https://a.example, http://b.example:8080" });
  expect(allowedOrigins).toEqual(["https://a.example", "http://b.example:8080"]);
});

test("without REDIS_URL there is no Redis; with it, the prefix of keys and the check of certificates count", () => {
  expect(loadConfig({}).redis).toBeUndefined();
  const url = "redis://localhost:6379";
  expect(loadConfig({ REDIS_URL: url }).redis).toEqual({ url, keyPrefix: "chat", verifyTls: true });
  const changed = { REDIS_URL: "rediss://u:p@a.example:1/2", REDIS_KEY_PREFIX: "x", REDIS_TLS_VERIFY: "off" };
  expect(loadConfig(changed).redis).toEqual({ url: changed.REDIS_URL, keyPrefix: "x", verifyTls: false });
});

test("a REDIS_URL that cannot be used is not shown, because it may hold a password", () => {
  const load = () => loadConfig({ REDIS_URL: "http://user:secret@host" });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/^REDIS_URL must be a URL like (?!.*secret)/);
});

test.each(["redis://h", "redis://h/", "redis://h:1/15", "rediss://u:p%40@h:1", "redis://:p@[::1]:1/0"])(
  "REDIS_URL=%s is taken",
  (url) => {
    expect(loadConfig({ REDIS_URL: url }).redis?.url).toBe(url);
  },
);

test("a JWKS_URL with a user or password is refused in one line that does not show it", () => {
  for (const JWKS_URL of ["https://user:secret@id.example/keys", "https://secret@id.example/keys"]) {
    const load = () => loadConfig({ JWKS_URL });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/^JWKS_URL (?!.*secret)[^\n]*without user and password$/);
  }
});

test("sign-in is off without a key; with one, issuer, audience and username claim count", () => {
  expect(loadConfig({}).auth).toBeUndefined();
  const secret = "s".repeat(32);
  const nothing = { issuer: undefined, audience: undefined, usernameClaim: "sub" };
  expect(loadConfig({ JWT_SECRET: secret }).auth).toEqual({ key: { secret }, ...nothing });
  const jwksUrl = "https://id.example/keys";
  const wanted = { JWT_ISSUER: "i", JWT_AUDIENCE: "a", JWT_USERNAME_CLAIM: "name" };
  expect(loadConfig({ JWKS_URL: jwksUrl, ...wanted }).auth).toEqual({
    key: { jwksUrl },
    issuer: "i",
    audience: "a",
    usernameClaim: "name",
  });
});

test("two kinds of key, and rules for tokens without a key, stop the start", () => {
  const both = { JWT_SECRET: "s".repeat(32), JWKS_URL: "https://id.example/keys" };
  expect(() => loadConfig(both)).toThrow(/^JWT_SECRET and JWKS_URL /);
  for (const name of ["JWT_ISSUER", "JWT_AUDIENCE", "JWT_USERNAME_CLAIM"])
    expect(() => loadConfig({ [name]: "x" })).toThrow(ConfigError);
});

test("a JWT_SECRET that is too short is not shown", () => {
  const load = () => loadConfig({ JWT_SECRET: "hush".repeat(7) });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/^JWT_SECRET (?!.*hush)/);
});

test.each([
  ["CHAT_PAGE", "yes"],
  ["JWKS_URL", "id.example/keys"],
  ["JWKS_URL", "file:///etc/keys"],
  ["REDIS_URL", "localhost:6379"],
  ["REDIS_URL", "localhost"],
  ["REDIS_URL", "redis:localhost:6379"],
  ["REDIS_URL", "redis:///1"],
  ["REDIS_URL", "redis://localhost:port"],
  ["REDIS_URL", "redis://localhost:99999"],
  ["REDIS_URL", "redis://localhost:6379/abc"],
  ["REDIS_URL", "redis://localhost:6379/-1"],
  ["REDIS_URL", "redis://localhost:6379/1/"],
  ["REDIS_URL", "redis://user:100%@localhost"],
  ["REDIS_URL", "redis://user:%ff@localhost"],
  ["REDIS_KEY_PREFIX", "{a}"],
  ["REDIS_TLS_VERIFY", "maybe"],
  ["PORT", "abc"],
  ["PORT", "-1"],
  ["PORT", "65536"],
  ["PORT", "1e3"],
  ["ALLOWED_ORIGINS", "chat.example.com"],
  ["ALLOWED_ORIGINS", "https://chat.example.com/"],
  ["ALLOWED_ORIGINS", "https://a.example,,https://b.example"],
  ["LOG_LEVEL", "loud"],
  ["MESSAGES_PER_SECOND", "many"],
  ["MESSAGES_PER_SECOND", "0.5"],
  ["MESSAGES_BURST", "0"],
  ["PRESENCE_PER_SECOND", "-5"],
  ["PRESENCE_BURST", "x"],
  ["TYPING_PER_SECOND", "x"],
  ["TYPING_BURST", "0"],
  ["HISTORY_MAX_MESSAGES", "0"],
  ["HISTORY_PER_SECOND", "-1"],
  ["HISTORY_BURST", "0"],
  ["REPLAY_ON_CONNECT", "1001"],
  ["MAX_PENDING_BYTES", "10"],
  ["PRESENCE_BYTES_PER_SECOND", "0"],
  ["PRESENCE_BURST_BYTES", "0"],
  ["MAX_CONNECTIONS", "no"],
  ["MAX_CONNECTIONS_PER_IP", "1.5"],
  ["TRUST_PROXY", "true"],
  ["METRICS_TOKEN", "fifteen-letters"],
  ["METRICS_TOKEN", "sixteen  letters"],
  ["METRICS_TOKEN", "sixteen-l\u00e4tters"],
])("%s=%s is refused in one line that names the variable", (name, value) => {
  const load = () => loadConfig({ [name]: value });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(new RegExp(`^${name} [^\\n]+$`));
});

test("a METRICS_TOKEN that is refused is not shown", () => {
  expect(() => loadConfig({ METRICS_TOKEN: "fifteen-letters" })).not.toThrow(/fifteen-letters/);
  expect(loadConfig({ METRICS_TOKEN: "sixteen--letters" })).toMatchObject({
    metricsToken: "sixteen--letters",
  });
});

test.each(["MESSAGES", "PRESENCE", "TYPING", "HISTORY"])(
  "%s_BURST below the rate per second stops the start",
  (prefix) => {
    const env = { [`${prefix}_PER_SECOND`]: "50", [`${prefix}_BURST`]: "49" };
    expect(() => loadConfig(env)).toThrow(`${prefix}_BURST (49) must not be below ${prefix}_PER_SECOND (50)`);
  },
);

test("a rooms file replaces the default rooms", () => {
  const rooms = [{ label: "Tea", name: "/tea" }];
  expect(loadConfig({ ROOMS_FILE: roomsFile(rooms) }).chatRooms).toEqual(rooms);
});

test("a rooms file that is not JSON is refused in one line", () => {
  const file = join(temporaryDirectory(), "rooms.json");
  writeFileSync(file, "[\n\n  tea\n\n]");
  expect(() => loadConfig({ ROOMS_FILE: file })).toThrow(/^ROOMS_FILE [^\n]+ cannot be read: [^\n]+$/);
});

test.each([
  ["no list", {}],
  ["an empty list", []],
  ["no label", [{ name: "/a" }]],
  ["an unknown field", [{ label: "A", name: "/a", topic: "x" }]],
  ["a name without slash", [{ label: "A", name: "a" }]],
  ["an upper-case name", [{ label: "A", name: "/A" }]],
  ["a name with a slash inside", [{ label: "A", name: "/a/b" }]],
  ["a name twice", [{ label: "A", name: "/a" }, { label: "B", name: "/a" }]], // prettier-ignore
  ["a label too long", [{ label: "A".repeat(65), name: "/a" }]],
  ["null", [null]],
])("a rooms file with %s is refused", (_name, content) => {
  const load = () => loadConfig({ ROOMS_FILE: roomsFile(content) });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/^ROOMS_FILE [^\n]+$/);
});

test.each(["1", "4", "auto"])("WORKERS=%s is refused with one line that names it", (WORKERS) => {
  expect(() => loadConfig({ WORKERS })).toThrow(ConfigError);
  expect(() => loadConfig({ WORKERS })).toThrow(/^WORKERS is not supported any more: .*nginx/);
  expect(loadConfig({ WORKERS: "" })).toEqual(loadConfig({}));
});

/** For each variable a valid value that is not its default. ROOMS_FILE has a test of its own. */
const SAMPLES: Record<Exclude<keyof typeof VARIABLES, "ROOMS_FILE">, string> = {
  PORT: "1",
  HOST: "localhost",
  ALLOWED_ORIGINS: "*",
  TRUST_PROXY: "1",
  CHAT_PAGE: "off",
  LOG_LEVEL: "warn",
  METRICS_TOKEN: "m".repeat(16),
  DATA_DIR: "/data",
  HISTORY_MAX_MESSAGES: "1",
  REPLAY_ON_CONNECT: "1",
  REDIS_URL: "redis://localhost",
  REDIS_KEY_PREFIX: "other",
  REDIS_TLS_VERIFY: "off",
  JWT_SECRET: "s".repeat(32),
  JWKS_URL: "https://id.example/keys",
  JWT_ISSUER: "issuer",
  JWT_AUDIENCE: "audience",
  JWT_USERNAME_CLAIM: "name",
  MESSAGES_PER_SECOND: "1",
  MESSAGES_BURST: "999",
  PRESENCE_PER_SECOND: "1",
  PRESENCE_BURST: "999",
  TYPING_PER_SECOND: "1",
  TYPING_BURST: "999",
  HISTORY_PER_SECOND: "1",
  HISTORY_BURST: "999",
  MAX_CONNECTIONS: "1",
  MAX_CONNECTIONS_PER_IP: "1",
  MAX_PENDING_BYTES: "2000",
  PRESENCE_BYTES_PER_SECOND: "1",
  PRESENCE_BURST_BYTES: "1",
};

test.each(Object.entries(SAMPLES))("%s=%s changes the configuration", (name, value) => {
  const needed = {
    ...(/^REDIS_./.test(name) && name !== "REDIS_URL" && { REDIS_URL: SAMPLES.REDIS_URL }),
    ...(/^JWT_(?!SECRET)/.test(name) && { JWT_SECRET: SAMPLES.JWT_SECRET }),
  };
  expect(loadConfig({ ...needed, [name]: value })).not.toEqual(loadConfig(needed));
});

test("every variable has a unit where its value is a number, except PORT", () => {
  const numbers = Object.entries(VARIABLES).filter(([, { type }]) => type.startsWith("integer"));
  const withoutUnit = numbers.filter(([, { unit }]) => unit === undefined).map(([name]) => name);
  expect(withoutUnit).toEqual(["PORT"]);
});

test("the defaults of the limits are those of an embedded ChatService", () => {
  expect(loadConfig({}).limits).toEqual(DEFAULT_LIMITS);
});
