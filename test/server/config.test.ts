import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig } from "../../src/config";
import { startService } from "../support/service";
import { temporaryDirectory } from "../support/temporaryDirectory";
import { TestClient } from "../support/testClient";

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

test.each(["JWT_SECRET", "JWKS_URL"])("%s that is set but empty lets nobody in", (name) => {
  for (const value of ["", "  "]) expect(() => loadConfig({ [name]: value })).toThrow(`${name} is empty`);
});

test("origins are a comma separated list", () => {
  const { allowedOrigins } = loadConfig({ ALLOWED_ORIGINS: "https://a.example, http://b.example:8080" });
  expect(allowedOrigins).toEqual(["https://a.example", "http://b.example:8080"]);
});

test("without REDIS_URL there is no Redis; with it come a prefix for keys and trust in certificates", () => {
  expect(loadConfig({}).redis).toBeUndefined();
  const url = "redis://localhost:6379";
  expect(loadConfig({ REDIS_URL: url }).redis).toEqual({ url, keyPrefix: "chat", verifyTls: true });
  const changed = { REDIS_URL: "rediss://u:p@a.example:1/2", REDIS_KEY_PREFIX: "x", REDIS_TLS_VERIFY: "off" };
  expect(loadConfig(changed).redis).toEqual({ url: changed.REDIS_URL, keyPrefix: "x", verifyTls: false });
});

test("a REDIS_URL that cannot be used is not shown, for it may hold a password", () => {
  const load = () => loadConfig({ REDIS_URL: "http://user:secret@host" });
  expect(load).toThrow(ConfigError);
  expect(load).toThrow(/^REDIS_URL must be like (?!.*secret)/);
});

test("without a key nobody needs a token; with one come what it must hold, and whose it is", () => {
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

test("a key of two kinds, and demands on tokens without a key, stop the start", () => {
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

test("a secret that is refused is not repeated", () => {
  expect(() => loadConfig({ METRICS_TOKEN: "fifteen-letters" })).not.toThrow(/fifteen-letters/);
  expect(loadConfig({ METRICS_TOKEN: "sixteen--letters" })).toMatchObject({
    metricsToken: "sixteen--letters",
  });
});

test.each(["MESSAGES", "PRESENCE", "TYPING", "HISTORY"])(
  "%s_BURST below the rate per second contradicts it",
  (prefix) => {
    const env = { [`${prefix}_PER_SECOND`]: "50", [`${prefix}_BURST`]: "49" };
    expect(() => loadConfig(env)).toThrow(`${prefix}_BURST (49) must not be below ${prefix}_PER_SECOND (50)`);
  },
);

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

test("a deployment's own rooms replace the default ones everywhere", async () => {
  const rooms = [{ label: "Tea", name: "/tea" }, { label: "Cakes & more", name: "/cakes_2-x" }]; // prettier-ignore
  const { url } = await startService({ ROOMS_FILE: roomsFile(rooms) });
  expect(await (await fetch(`${url}/rooms`)).json()).toEqual({ data: { chatRooms: rooms }, error: null });
  const client = await TestClient.connect(url);
  client.sendMessage({ chatRoom: { label: "Tea", name: "/tea" } });
  expect(await client.waitFor("/tea")).toHaveLength(1);
  client.announcePresence({ currentRoom: { label: "Tea", name: "/tea" } });
  const [presence] = await client.waitFor("presence_information");
  expect(presence).toMatchObject({
    data: { usersPerRoom: { "/tea": [{ username: "ana" }], "/cakes_2-x": [] } },
  });
  client.sendMessage();
  expect(await client.waitFor("server_error")).toHaveLength(1);
});

test.each(["1", "4", "auto"])("WORKERS=%s is refused with one line that names it", (WORKERS) => {
  expect(() => loadConfig({ WORKERS })).toThrow(ConfigError);
  expect(() => loadConfig({ WORKERS })).toThrow(/^WORKERS is not supported any more: .*nginx/);
  expect(loadConfig({ WORKERS: "" })).toEqual(loadConfig({}));
});
