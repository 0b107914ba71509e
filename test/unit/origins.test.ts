import { ANY_ORIGIN, Origins } from "../../src/access/origins";

const LISTED = "https://chat.example.com";

function request(headers: Record<string, string>, encrypted = false): Parameters<Origins["isAllowed"]>[0] {
  return { headers, socket: { encrypted } };
}

test("a listed origin is allowed, and a request without one", () => {
  const origins = new Origins([LISTED]);
  expect(origins.isAllowed(request({ origin: LISTED }))).toBe(true);
  expect(origins.isAllowed(request({}))).toBe(true);
});

test.each(["https://evil.example", "null", "", `${LISTED}/`, `${LISTED}:443`, LISTED.toUpperCase()])(
  "the origin %j is not allowed",
  (origin) => {
    expect(new Origins([LISTED]).isAllowed(request({ origin, host: "chat.example" }))).toBe(false);
  },
);

test("* allows every origin", () => {
  expect(new Origins([ANY_ORIGIN]).isAllowed(request({ origin: "null" }))).toBe(true);
});

test("the server's own origin is that of its Host header, with the scheme of the socket", () => {
  const origins = new Origins([]);
  const host = "chat.example:8443";
  expect(origins.isAllowed(request({ host, origin: `http://${host}` }))).toBe(true);
  expect(origins.isAllowed(request({ host, origin: `https://${host}` }))).toBe(false);
  expect(origins.isAllowed(request({ host, origin: `https://${host}` }, true))).toBe(true);
});

test("X-Forwarded-Proto counts behind a trusted proxy only, and there its last entry", () => {
  const headers = { host: "a.example", origin: "https://a.example", "x-forwarded-proto": "http, https" };
  expect(new Origins([], 1).isAllowed(request(headers))).toBe(true);
  expect(new Origins([], 0).isAllowed(request(headers))).toBe(false);
});
