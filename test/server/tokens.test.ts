import { generateKeyPair } from "jose";
import type { ConnectError } from "../../src/protocol/events";
import { afterThisTest } from "../support/disposal";
import { startService, type RunningService } from "../support/service";
import { TestClient, type TestClientOptions } from "../support/testClient";
import { JWT_SECRET, KeyServer, secretKey, seconds, signed, unsigned } from "../support/tokens";

const UNAUTHORIZED = { message: "Unauthorized", status: 401, errors: [] };

function startWithSecret(env: Record<string, string> = {}): Promise<RunningService> {
  return startService({ JWT_SECRET, ...env });
}

function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

async function historyWith(
  url: string,
  token: string,
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const answer = await fetch(`${url}/rooms/cooking/messages`, { headers: bearer(token) });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** The token is refused at every door, and stands in no log. */
async function expectRefused({ url, logs }: RunningService, token: string): Promise<void> {
  const { message, status } = UNAUTHORIZED;
  const refused = TestClient.connect(url, { auth: { token } });
  await expect(refused).rejects.toMatchObject({ message, data: { status } });
  const { status: httpStatus, headers, body } = await historyWith(url, token);
  expect({ httpStatus, body }).toEqual({ httpStatus: 401, body: { data: null, error: UNAUTHORIZED } });
  expect(headers.get("www-authenticate")).toBe("Bearer");
  if (token.length > 20) expect(JSON.stringify(logs)).not.toContain(token.slice(0, 20));
}

async function expectAccepted({ url, logs }: RunningService, token: string): Promise<void> {
  await TestClient.connect(url, { auth: { token } });
  const { status, headers } = await historyWith(url, token);
  expect([status, headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(JSON.stringify(logs)).not.toContain(token.slice(0, 20));
}

const WAYS: [string, (token: string) => TestClientOptions][] = [
  ["auth.token over websocket", (token) => ({ auth: { token } })],
  ["auth.token over polling", (token) => ({ auth: { token }, transports: ["polling"] })],
  ["the header over websocket", (token) => ({ extraHeaders: bearer(token) })],
  ["the header over polling", (token) => ({ extraHeaders: bearer(token), transports: ["polling"] })],
  ["generation 2's header over websocket", (token) => ({ generation: "2.x", extraHeaders: bearer(token) })],
  [
    "generation 2's header over polling",
    (token) => ({ generation: "2.x", extraHeaders: bearer(token), transports: ["polling"] }),
  ],
];

test("without a configured key no client needs a token, and a token that is sent is ignored", async () => {
  const { url } = await startService();
  const client = await TestClient.connect(url, { auth: { token: "garbled" } });
  client.sendMessage({ username: "any" });
  await client.waitFor("/cooking");
  expect((await historyWith(url, "garbled")).status).toBe(200);
});

describe("with a secret", () => {
  test.each(WAYS)("a good token comes in by %s, a bad one does not", async (_name, options) => {
    const { url } = await startWithSecret();
    const client = await TestClient.connect(url, options(await signed()));
    client.sendMessage();
    await client.waitFor("/cooking");
    const thrown = await TestClient.connect(url, options(await signed({}, { key: secretKey("x".repeat(32)) }))).catch((error: unknown) => error); // prettier-ignore
    // Generation 2 gets the `data` alone.
    expect((thrown as { data?: unknown }).data ?? thrown).toEqual({ status: 401 });
  });

  test.each([
    ["none", {}],
    ["null", { token: null }],
    ["a number", { token: 7 }],
    ["an object", { token: { toString: "x" } }],
    ["an empty one", { token: "" }],
    ["one beside an auth that is not valid", { token: "x", resume: 7 }],
  ])("%s is no token", async (_name, auth) => {
    const { url } = await startWithSecret();
    const { message, data } = (await TestClient.connect(url, { auth }).catch(
      (error: unknown) => error,
    )) as ConnectError;
    expect({ message, data }).toEqual({ message: "Unauthorized", data: { status: 401 } });
  });

  test("without a token, history is refused, rooms and health are not", async () => {
    const { url } = await startWithSecret();
    const statuses = ["/rooms/cooking/messages", "/rooms", "/", "/healthz"].map(async (path) => (await fetch(url + path)).status); // prettier-ignore
    expect(await Promise.all(statuses)).toEqual([401, 200, 200, 200]);
  });

  const claims = () => ({ sub: "ana", exp: Math.floor(seconds(60_000)) });
  test.each<[string, () => string | Promise<string>]>([
    ["garbled", () => "garbled"],
    ["of three parts that are nothing", () => "a.b.c"],
    ["without a signature", () => unsigned({ alg: "HS256" }, claims())],
    ["of alg none", () => unsigned({ alg: "none" }, claims())],
    ["of alg None", () => unsigned({ alg: "None" }, claims(), "x")],
    ["of no alg", () => unsigned({}, claims(), "x")],
    [
      "of another alg, of the same secret",
      () => signed({}, { alg: "HS512", key: secretKey(JWT_SECRET.repeat(2)) }),
    ],
    ["of another secret", () => signed({}, { key: secretKey("x".repeat(32)) })],
    ["with claims changed afterwards", async () => changed(await signed())],
    ["that has expired", () => signed({ exp: seconds(-1_000) })],
    ["that expires now", () => signed({ exp: seconds() })],
    ["that holds in a minute", () => signed({ nbf: Math.ceil(seconds(60_000)) })],
    ["that is issued in a minute", () => signed({ iat: Math.ceil(seconds(60_000)) })],
    ["with a time that is none", () => signed({ exp: "tomorrow" as unknown as number })],
    ["without a username", () => signed({ sub: undefined })],
    ["with an empty username", () => signed({ sub: "" })],
    ["with a number as username", () => signed({ sub: 7 as unknown as string })],
    ["with a username that is too long", () => signed({ sub: "x".repeat(65) })],
    ["with rooms that are no list", () => signed({ rooms: "/cooking" })],
    ["with rooms that are no names", () => signed({ rooms: [7] })],
    ["whose crit is not known", () => unsigned({ alg: "HS256", crit: ["x"], x: 1 }, claims(), "x")],
    ["of 9,000 characters, good otherwise", () => signed({ padding: "x".repeat(6_500) })],
  ])("a token %s is refused", async (_name, make) => {
    await expectRefused(await startWithSecret(), await make());
  });

  test("a huge token is refused, over websocket and in a header", async () => {
    const service = await startWithSecret();
    const refused = TestClient.connect(service.url, { auth: { token: "x".repeat(60_000) } });
    await expect(refused).rejects.toMatchObject({ data: { status: 401 } });
    expect((await fetch(`${service.url}/rooms/cooking/messages`, { headers: bearer("x".repeat(15_000)) })).status).toBe(401); // prettier-ignore
    await expectAccepted(service, await signed());
  });

  test("an issuer's clock may be a little ahead, and a token need not expire", async () => {
    const service = await startWithSecret();
    await expectAccepted(service, await signed({ nbf: seconds(2_000), iat: seconds(2_000) }));
    await expectAccepted(service, await signed({ exp: undefined }));
  });

  test("issuer and audience must be those that are configured", async () => {
    const service = await startWithSecret({ JWT_ISSUER: "https://id.example", JWT_AUDIENCE: "chat" });
    const good = { iss: "https://id.example", aud: "chat" };
    await expectAccepted(service, await signed(good));
    await expectAccepted(service, await signed({ ...good, aud: ["shop", "chat"] }));
    for (const bad of [
      {},
      { iss: "https://id.example" },
      { aud: "chat" },
      { ...good, iss: "x" },
      { ...good, aud: "shop" },
    ])
      // prettier-ignore
      await expectRefused(service, await signed(bad));
  });

  test("another claim may name the user", async () => {
    const service = await startWithSecret({ JWT_USERNAME_CLAIM: "preferred_username" });
    await expectRefused(service, await signed());
    const token = await signed({ sub: "7", preferred_username: "ana" });
    const client = await TestClient.connect(service.url, { auth: { token } });
    client.sendMessage({ username: "ana" });
    await client.waitFor("/cooking");
  });
});

describe("with a URL of public keys", () => {
  async function startWithKeys(): Promise<{ keys: KeyServer; service: RunningService }> {
    const keys = await KeyServer.start();
    return { keys, service: await startService({ JWKS_URL: keys.url }) };
  }

  test.each(["RS256", "PS512", "ES256", "ES384", "EdDSA"])("%s tokens are verified", async (alg) => {
    const { keys, service } = await startWithKeys();
    const key = await keys.add(alg, "1");
    await expectAccepted(service, await signed({}, { key, alg, kid: "1" }));
    const { privateKey: other } = await generateKeyPair(alg);
    await expectRefused(service, await signed({}, { key: other, alg, kid: "1" }));
  });

  test("a secret is none, neither of its own nor made of a public key", async () => {
    const { keys, service } = await startWithKeys();
    await keys.add("RS256", "1");
    await expectRefused(service, await signed());
    await expectRefused(
      service,
      await signed({}, { key: secretKey(JSON.stringify(keys.keys?.[0])), kid: "1" }),
    );
    keys.keys?.push({ kty: "oct", kid: "2", alg: "HS256", k: Buffer.from(JWT_SECRET).toString("base64url") });
    await expectRefused(service, await signed({}, { kid: "2" }));
  });

  test("a token with an unknown key is refused, and such tokens cannot make the server fetch the keys repeatedly", async () => {
    const { keys, service } = await startWithKeys();
    await expectAccepted(
      service,
      await signed({}, { key: await keys.add("ES256", "1"), alg: "ES256", kid: "1" }),
    );
    const { privateKey: key } = await generateKeyPair("ES256");
    for (let i = 0; i < 5; i += 1) await expectRefused(service, await signed({}, { key, alg: "ES256", kid: `x${String(i)}` })); // prettier-ignore
    expect(keys.requests).toBe(1);
  });

  test("known keys are used while their server is away; a revoked key is refused within 10 minutes", async () => {
    const { keys, service } = await startWithKeys();
    const one = await signed({}, { key: await keys.add("ES256", "1"), alg: "ES256", kid: "1" });
    const two = await signed({}, { key: await keys.add("ES256", "2"), alg: "ES256", kid: "2" });
    await expectAccepted(service, one);
    const served = keys.keys;
    const now = performance.now();
    const clock = jest.spyOn(performance, "now").mockReturnValue(now + 11 * 60_000);
    afterThisTest(() => clock.mockRestore());
    keys.keys = undefined;
    await expectAccepted(service, one);
    expect(keys.requests).toBe(2);
    keys.keys = served?.slice(1);
    clock.mockReturnValue(now + 12 * 60_000);
    await expectAccepted(service, two);
    await expectRefused(service, one);
  });

  test("while the keys cannot be fetched, clients cannot make the server fetch them more often than once a second", async () => {
    const { keys, service } = await startWithKeys();
    const now = performance.now();
    const clock = jest.spyOn(performance, "now").mockReturnValue(now);
    afterThisTest(() => clock.mockRestore());
    const token = await signed({}, { key: await keys.add("ES256", "1"), alg: "ES256", kid: "1" });
    const served = keys.keys;
    keys.keys = undefined;
    for (let i = 0; i < 5; i += 1) expect((await historyWith(service.url, token)).status).toBe(503);
    expect(keys.requests).toBe(1);
    keys.keys = served;
    clock.mockReturnValue(now + 1_000);
    await expectAccepted(service, token);
    expect(keys.requests).toBe(2);
  });

  test("keys that cannot be fetched are the server's failure, until they can be fetched", async () => {
    const { keys, service } = await startWithKeys();
    const token = await signed({}, { key: await keys.add("ES256", "1"), alg: "ES256", kid: "1" });
    const served = keys.keys;
    for (const broken of [
      undefined,
      [{ kty: "EC", kid: "1", alg: "ES256", crv: "P-256", x: "AA", y: "AA" }],
    ]) {
      keys.keys = broken;
      const fresh = await startService({ JWKS_URL: keys.url });
      const refused = TestClient.connect(fresh.url, { auth: { token } });
      await expect(refused).rejects.toMatchObject({ message: "Service is not ready", data: { status: 503 } });
      expect((await historyWith(fresh.url, token)).status).toBe(503);
      const failures = fresh.logs.filter(({ msg }) => msg === "public keys could not be fetched");
      expect(failures.map(({ err, reason }) => [err, typeof reason])).toEqual(
        Array(2).fill([undefined, "string"]),
      );
      expect(JSON.stringify(fresh.logs)).not.toContain(token.slice(0, 20));
    }
    keys.keys = served;
    await expectAccepted(service, token);
  });
});

/** With other claims under the same signature. */
function changed(token: string): string {
  const [header, , signature] = token.split(".");
  const claims = Buffer.from(JSON.stringify({ sub: "bo" })).toString("base64url");
  return [header, claims, signature].join(".");
}
