import { randomBytes } from "node:crypto";
import { Canaries } from "../support/canaries";
import { exchange, parseAnswer, RawTcp } from "../support/rawTcp";
import { startService } from "../support/service";

const HOST = "Host: chat.example\r\n";
const CLOSING = `${HOST}Connection: close\r\n`;
const DEFAULT_ROOMS = [
  { label: "Cooking", name: "/cooking" },
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];
const PATHS = ["/", "/rooms", "/healthz", "/readyz"];
const GOOD = "https://chat.example.com";

/** Some of the headers that helmet adds to every answer. */
const SECURITY_HEADERS = [
  "content-security-policy",
  "strict-transport-security",
  "x-content-type-options",
  "x-frame-options",
  "cross-origin-resource-policy",
  "referrer-policy",
];

function envelope(message: string, status: number): unknown {
  return { data: null, error: { message, status, errors: [] } };
}

describe("routes", () => {
  test("GET / is the text OK", async () => {
    const { url } = await startService();
    const answer = await fetch(`${url}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await answer.text()).toBe("OK");
  });

  test("GET /rooms is exactly the four default rooms, in order", async () => {
    const { url } = await startService();
    const answer = await fetch(`${url}/rooms`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await answer.text()).toBe(JSON.stringify({ data: { chatRooms: DEFAULT_ROOMS }, error: null }));
  });

  test("GET /healthz answers 200 while the process lives", async () => {
    const { url } = await startService();
    const answer = await fetch(`${url}/healthz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ error: null });
  });

  test.each(PATHS)("HEAD %s is GET without its body", async (path) => {
    const { url } = await startService();
    const get = await fetch(`${url}${path}`);
    const head = await fetch(`${url}${path}`, { method: "HEAD" });
    expect(head.status).toBe(200);
    for (const name of ["content-type", "content-length"])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    expect(await head.text()).toBe("");
    await get.text();
  });

  test("a query string changes nothing", async () => {
    const { url } = await startService();
    const answer = await fetch(`${url}/rooms?__proto__[x]=1&constructor=2&a[]=3&%F0%9F%98%80`);
    expect(await answer.json()).toEqual({ data: { chatRooms: DEFAULT_ROOMS }, error: null });
  });
});

describe("refusals", () => {
  test.each(PATHS)("%s allows GET and HEAD only, and its Allow header names them", async (path) => {
    const { url, port } = await startService();
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await fetch(`${url}${path}`, { method, body: "{}" });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe("GET, HEAD");
      expect(await answer.json()).toEqual(envelope("Method not allowed", 405));
    }
    for (const method of ["PROPFIND", "TRACE", "M-SEARCH"]) {
      const { status, headers } = await exchange(port, `${method} ${path} HTTP/1.1\r\n${CLOSING}\r\n`);
      expect({ method, status, allow: headers.get("allow") }).toEqual({
        method,
        status: 405,
        allow: "GET, HEAD",
      });
    }
  });

  test.each([
    "/nowhere",
    "/rooms/cooking",
    "/index.html",
    "/socket.io",
    "/socket.io/socket.io.js",
    "/.env",
    "/package.json",
    "/../package.json",
    "/..%2f..%2fetc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/rooms/../../etc/passwd",
    "/..\\..\\etc\\passwd",
    "/%00",
    "/rooms%00",
    "/%",
    "/%E0%A4%A",
    "/%ff%fe",
    "/rooms/%ff",
    "/__proto__",
    "/constructor",
    "/long",
  ])("%s serves nothing, with any method", async (name) => {
    const path = name === "/long" ? `/${"a".repeat(15_000)}` : name;
    const { port } = await startService();
    for (const method of ["GET", "POST", "DELETE"]) {
      const { status, body, headers } = await exchange(port, `${method} ${path} HTTP/1.1\r\n${CLOSING}\r\n`);
      if (path.startsWith("/socket.io/")) {
        expect(status).toBe(400); // Engine.IO's own answer
        continue;
      }
      expect([400, 404]).toContain(status);
      expect(headers.get("content-type")).toMatch(/^application\/json/);
      expect(JSON.parse(body)).toEqual(envelope(status === 404 ? "Not found" : "Bad request", status));
    }
  });

  test("no answer reveals the software of the server", async () => {
    const { port } = await startService();
    for (const path of ["/", "/nowhere", "/%", "/socket.io/?EIO=4&transport=x", "/socket.io/?EIO=9"]) {
      const { headers, body } = await exchange(port, `GET ${path} HTTP/1.1\r\n${CLOSING}\r\n`);
      expect(headers.has("x-powered-by")).toBe(false);
      expect(headers.has("server")).toBe(false);
      expect(body).not.toMatch(/node_modules|\.js:|\.ts:|\bat \w/);
    }
  });

  test("every answer carries the security headers", async () => {
    const { port } = await startService();
    for (const request of [
      "GET /",
      "GET /rooms",
      "GET /nowhere",
      "POST /rooms",
      "OPTIONS /rooms",
      "GET /socket.io/?x",
    ]) {
      const { headers } = await exchange(port, `${request} HTTP/1.1\r\n${CLOSING}\r\n`);
      const missing = SECURITY_HEADERS.filter((name) => !headers.has(name));
      expect({ request, missing }).toEqual({ request, missing: [] });
    }
  });
});

describe("CORS", () => {
  test("an allowed origin is named exactly, with credentials, and the answer varies by it", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: `${GOOD},http://localhost:3000` });
    for (const path of ["/", "/rooms", "/nowhere"]) {
      const answer = await fetch(`${url}${path}`, { headers: { Origin: GOOD } });
      await answer.text();
      expect(answer.headers.get("access-control-allow-origin")).toBe(GOOD);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      expect(answer.headers.get("vary")).toMatch(/Origin/);
    }
  });

  test("a preflight of an allowed origin is granted", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: GOOD });
    for (const path of ["/rooms", "/socket.io/?EIO=4&transport=polling"]) {
      const answer = await fetch(`${url}${path}`, {
        method: "OPTIONS",
        headers: {
          Origin: GOOD,
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type",
        },
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-origin")).toBe(GOOD);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      expect(answer.headers.get("access-control-allow-headers")).toBe("content-type");
    }
  });

  test("a foreign origin gets the envelope and no permission", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: GOOD });
    for (const path of ["/", "/rooms", "/nowhere", "/socket.io/?EIO=4&transport=polling"]) {
      const answer = await fetch(`${url}${path}`, { headers: { Origin: "https://evil.example" } });
      expect(answer.status).toBe(403);
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(await answer.json()).toEqual(envelope("Origin is not allowed", 403));
    }
  });

  test("without an Origin header the answer has no CORS permission", async () => {
    const { url } = await startService({ ALLOWED_ORIGINS: "*" });
    const answer = await fetch(`${url}/rooms`);
    await answer.text();
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("bytes that are hardly HTTP", () => {
  const get = (header: string) => `GET / HTTP/1.1\r\n${HOST}${header}\r\n\r\n`;
  const GARBAGE: [name: string, bytes: string | Buffer][] = [
    ["a TLS greeting", Buffer.from("16030100c8010000c40303", "hex")],
    ["zeros", Buffer.alloc(1_000)],
    ["random bytes", randomBytes(5_000)],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["another protocol", "EHLO mail.example\r\n"],
    ["an unknown method", `BREW / HTTP/1.1\r\n${HOST}\r\n`],
    ["an unknown version", `GET / HTTP/3.7\r\n${HOST}\r\n`],
    ["a URL with a NUL", `GET /\u0000 HTTP/1.1\r\n${HOST}\r\n`],
    ["a URL with line noise", Buffer.from(`GET /\x01\x7f HTTP/1.1\r\n${HOST}\r\n`, "latin1")],
    ["a header without a colon", get("nonsense")],
    ["a header with a NUL", get("X-A: a\u0000b")],
    ["a header of 20 kB", get(`X-A: ${"a".repeat(20_000)}`)],
    ["a header name of 20 kB", get(`${"a".repeat(20_000)}: a`)],
    ["a URL of 20 kB", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`],
    [
      "cookies of 100 kB",
      get(
        Array(100)
          .fill(`Cookie: ${"c".repeat(1_000)}`)
          .join("\r\n"),
      ),
    ],
    ["two lengths", `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`],
    ["a negative length", `POST / HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`],
    [
      "a length and chunks",
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["a chunk of no number", `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
  ];

  test.each(GARBAGE)("%s is answered 400 and its connection is closed", async (name, bytes) => {
    const { url, port } = await startService();
    const canaries = await Canaries.start(url);
    const tcp = await RawTcp.open(port, bytes);
    const answers = (await tcp.ended).split(/(?=HTTP\/1\.1 \d)/);
    const { status, body, headers } = parseAnswer(answers.at(-1) ?? ""); // a body cut short has its 405 first
    expect([400, 431]).toContain(status);
    if (name !== "no host") expect(JSON.parse(body)).toEqual(envelope("Bad request", 400));
    expect(headers.get("connection")).toBe("close");
    await canaries.check(name);
  });

  test("an answered CONNECT or a strange Expect leaves the service as it was", async () => {
    const { url, port } = await startService();
    const canaries = await Canaries.start(url);
    const connect = await RawTcp.open(port, `CONNECT evil.example:80 HTTP/1.1\r\n${HOST}\r\n`);
    await connect.ended;
    const { status } = await exchange(port, `GET / HTTP/1.1\r\n${CLOSING}Expect: tea\r\n\r\n`);
    expect(status).toBe(417);
    await canaries.check("CONNECT and Expect");
  });

  test("a client that keeps sending after a bad request is disconnected, although it never closes", async () => {
    const { port } = await startService();
    const tcp = await RawTcp.open(port, "EHLO mail.example\r\n");
    await tcp.ended;
    tcp.drip("RCPT TO: <you@mail.example>\r\n");
    await tcp.cutOff();
    expect(parseAnswer(tcp.received).status).toBe(400);
  });

  const upgrade = (path: string, header = "") =>
    `GET ${path} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${header}\r\n`;
  const ENGINE = "/socket.io/?EIO=4&transport=websocket";

  test.each([
    ["a path that knows none", upgrade("/")],
    ["a path much like the right one", upgrade("/socket.iox/?EIO=4&transport=websocket")],
    ["a foreign origin", upgrade(ENGINE, "Origin: https://evil.example\r\n")],
    ["an unknown EIO version", upgrade("/socket.io/?EIO=9&transport=websocket")],
    ["an unknown transport", upgrade("/socket.io/?EIO=4&transport=telepathy")],
    ["an unknown session", upgrade(`${ENGINE}&sid=unknown`)],
    ["the wrong transport", upgrade("/socket.io/?EIO=4&transport=polling")],
    ["another method", upgrade(ENGINE).replace("GET", "POST")],
    ["a key too short", upgrade(ENGINE).replace("dGhlIHNhbXBsZSBub25jZQ==", "short")],
    ["another websocket version", upgrade(ENGINE).replace("Version: 13", "Version: 7")],
    ["another protocol", upgrade(ENGINE).replace("Upgrade: websocket", "Upgrade: h2c")],
  ])("an upgrade with %s is refused and its connection is closed", async (name, bytes) => {
    const { url, port } = await startService();
    const canaries = await Canaries.start(url);
    const tcp = await RawTcp.open(port, bytes);
    expect(await tcp.ended).not.toContain("0{");
    tcp.drip("x");
    await tcp.cutOff();
    await canaries.check(name);
  });

  test("slow headers and silence are disconnected after 10 s, slow bodies after 15 s", async () => {
    const { url, port } = await startService();
    const canaries = await Canaries.start(url);
    const opened = performance.now();
    const secondsUntilGone = async (firstBytes: string, then: string) => {
      const tcp = (await RawTcp.open(port, firstBytes)).drip(then, 500);
      await (then === "" ? tcp.ended : tcp.cutOff(30_000)); // a client that writes nothing sees only the end
      return (performance.now() - opened) / 1_000;
    };
    const waits = await Promise.all([
      secondsUntilGone(`GET / HTTP/1.1\r\n${HOST}`, "X-A: b\r\n"),
      secondsUntilGone("", ""),
      secondsUntilGone("GE", ""),
      secondsUntilGone(`POST /rooms HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n`, "x"),
    ]);
    for (const [index, wait] of waits.entries()) {
      const limit = index === 3 ? 15 : 10;
      expect({ index, isPatient: wait > limit - 0.5, isFirm: wait < 2 * limit }).toEqual({
        index,
        isPatient: true,
        isFirm: true,
      });
    }
    await canaries.check("after the slow ones");
  }, 45_000);
});
