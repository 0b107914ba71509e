import { EVENTS } from "../../src/protocol/events";
import { DISCONNECT, startWithCanaries } from "../support/abuse";
import { RawPolling } from "../support/rawPolling";
import { exchange } from "../support/rawTcp";
import { RawWebSocket } from "../support/rawWebSocket";
import { startService, type RunningService } from "../support/service";

const GOOD = "https://chat.example.com";
const FOREIGN = [
  "https://evil.example",
  "null",
  "",
  "http://chat.example.com",
  "https://chat.example.com:8443",
  "https://chat.example.com.evil.example",
  "https://evil.example/https://chat.example.com",
  "https://evilchat.example.com",
  "https://chat-example.com",
  "https://chatXexample.com",
  "https://chat.example.com/",
  "https://chat.example.com@evil.example",
  "https://CHAT.example.com",
  "https://chat.example.com https://evil.example",
  "https://chat.example.com, https://evil.example",
  "*",
  "file://",
];
const OTHER_ORIGIN = { data: null, error: { message: "Origin is not allowed", status: 403, errors: [] } };

/** Returns the status of every kind of request: HTTP, a handshake, their preflights, a post, two upgrades. */
async function everyWayIn(url: string, headers: Record<string, string>): Promise<Record<string, number>> {
  const session = await RawPolling.connect(url); // opened without an Origin, then used with one
  const upgrading = await RawPolling.connect(url);
  const engine = "/socket.io/?EIO=4&transport=polling";
  const request = async (path: string, method = "GET", body?: string) => {
    const port = Number(new URL(url).port);
    const lines = Object.entries({ Host: `localhost:${String(port)}`, Connection: "close", ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = body === undefined ? "" : `Content-Length: ${String(body.length)}\r\n`;
    const answer = await exchange(port, `${method} ${path} HTTP/1.1\r\n${head}${length}\r\n${body ?? ""}`);
    if (answer.body.includes('"sid"')) RawPolling.adopt(url, answer.body, { headers });
    return answer.status;
  };
  return {
    http: await request("/rooms"),
    httpPreflight: await request("/rooms", "OPTIONS"),
    handshake: await request(engine),
    preflight: await request(engine, "OPTIONS"),
    post: await request(`${engine}&sid=${session.sid}`, "POST", DISCONNECT),
    websocket: await RawWebSocket.statusOf(url, { headers }),
    upgrade: await RawWebSocket.statusOf(url, { headers, query: `EIO=4&sid=${upgrading.sid}` }),
  };
}

const LET_IN = {
  http: 200,
  httpPreflight: 204,
  handshake: 200,
  preflight: 204,
  post: 200,
  websocket: 101,
  upgrade: 101,
};
const KEPT_OUT = Object.fromEntries(Object.keys(LET_IN).map((way) => [way, 403]));

test("foreign, null and look-alike origins are refused everywhere", async () => {
  const { url, canaries } = await startWithCanaries({ ALLOWED_ORIGINS: `${GOOD},http://localhost:3000` });
  for (const origin of FOREIGN) {
    const ways = await everyWayIn(url, { Origin: origin });
    expect({ origin, ways }).toEqual({ origin, ways: KEPT_OUT });
  }
  await canaries.check("foreign origins");
});

test("a poll with a foreign origin is refused and does not disturb the session", async () => {
  const { url } = await startService({ ALLOWED_ORIGINS: GOOD });
  const session = await RawPolling.connect(url);
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${session.sid}`, {
    headers: { Origin: "https://evil.example" },
  });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  expect(await answer.json()).toEqual(OTHER_ORIGIN);
  await session.post(`421["${EVENTS.newMessage}",{}]`);
  expect((await session.poll()).packets[0]).toMatch(/^431\[/);
});

test("listed origins, the server's own and none at all are allowed everywhere", async () => {
  const { url } = await startService({ ALLOWED_ORIGINS: `${GOOD},http://localhost:3000` });
  for (const headers of [{ Origin: GOOD }, { Origin: "http://localhost:3000" }, { Origin: url }, {}]) {
    const ways = await everyWayIn(url, headers as Record<string, string>);
    expect({ headers, ways }).toEqual({ headers, ways: LET_IN });
  }
});

test("the server's own origin is https only behind a trusted proxy that says so", async () => {
  const plain = await startService();
  const proxied = await startService({ TRUST_PROXY: "1" });
  const headers = ({ port }: RunningService) => ({
    Origin: `https://localhost:${String(port)}`,
    "X-Forwarded-Proto": "https",
  });
  expect(await everyWayIn(plain.url, headers(plain))).toEqual(KEPT_OUT);
  expect(await everyWayIn(proxied.url, headers(proxied))).toEqual(LET_IN);
});

test("* allows every origin, and the answer names it, as credentials require", async () => {
  const { url } = await startService({ ALLOWED_ORIGINS: "*" });
  const session = await RawPolling.connect(url);
  for (const origin of ["https://evil.example", "null"]) {
    expect(await everyWayIn(url, { Origin: origin })).toEqual(LET_IN);
    for (const path of ["/rooms", `/socket.io/?EIO=4&transport=polling&sid=${session.sid}`]) {
      await session.post(`421["${EVENTS.newMessage}",{}]`); // something for the poll to bring
      const answer = await fetch(`${url}${path}`, { headers: { Origin: origin } });
      await answer.text();
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    }
  }
});

test("no page can read the chat by script tag: JSON-P, which names no origin, is off", async () => {
  const { url } = await startService();
  for (const query of ["EIO=3&transport=polling&j=0", "EIO=4&transport=polling&j=0"]) {
    const answer = await fetch(`${url}/socket.io/?${query}`);
    const body = await answer.text();
    if (answer.status === 200) RawPolling.adopt(url, body.replaceAll("\\", ""));
    expect({ query, status: answer.status }).toEqual({ query, status: 400 });
  }
});
