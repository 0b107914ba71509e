import { MAX_WITHOUT_CONNECT } from "../../src/connections/connections";
import { HEARD, SAY, sessionIsGone, startWithCanaries } from "../support/abuse";
import { RawPolling } from "../support/rawPolling";
import { RawTcp } from "../support/rawTcp";
import { RawWebSocket } from "../support/rawWebSocket";
import { until } from "../support/until";
import { range } from "../support/numbers";

test("an upgrade that is begun and never finished leaves the session on polling", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  const probe = await RawWebSocket.open(url, { query: `EIO=4&sid=${session.sid}` });
  probe.send("2probe");
  await probe.waitFor("3probe");
  await canaries.check("in the middle of the upgrade");
  probe.webSocket.terminate();
  const heard: string[] = [];
  while (!heard.some((packet) => packet.startsWith(HEARD))) heard.push(...(await session.poll()).packets);
  expect(probe.count("42")).toBe(0);
  await canaries.check("after it");
});

test("a second upgrade, and one with a session that does not exist, come to nothing", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  const query = `EIO=4&sid=${session.sid}`;
  const first = await RawWebSocket.open(url, { query });
  const second = await RawWebSocket.open(url, { query });
  second.send("2probe", "5");
  await second.closed;
  expect(await RawWebSocket.statusOf(url, { query: "EIO=4&sid=unknown" })).toBe(400);
  expect(await RawWebSocket.statusOf(url, { query: `EIO=3&sid=${session.sid}` })).toBe(400);
  first.send("2probe");
  await first.waitFor("3probe");
  await canaries.check("upgrades");
});

test("polls that overlap end their session, and no other", async () => {
  const { url, canaries } = await startWithCanaries();
  const session = await RawPolling.connect(url);
  const answers = await Promise.all([session.poll(), session.poll(), session.poll()]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  await canaries.check("overlapping polls");
});

test("requests that break off in the middle end their session, and no other", async () => {
  const { url, port, canaries } = await startWithCanaries();
  const head = (method: string, sid: string) =>
    `${method} /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\n`;
  const posting = await RawPolling.connect(url);
  const post = await RawTcp.open(port, `${head("POST", posting.sid)}Content-Length: 9000\r\n\r\n${SAY}`);
  await canaries.check("half a request");
  post.socket.resetAndDestroy();
  await sessionIsGone(posting);
  const polling = await RawPolling.connect(url);
  const poll = await RawTcp.open(port, `${head("GET", polling.sid)}\r\n`);
  await canaries.check("a poll"); // answers the poll: the next one hangs
  await until("the poll is answered", () => poll.received.includes(HEARD));
  poll.socket.write(`${head("GET", polling.sid)}\r\n`);
  await canaries.check("another poll");
  poll.socket.resetAndDestroy();
  await canaries.check("broken requests");
});

test("Engine.IO 3 payloads that lie about their lengths are accepted and harm at most their own session", async () => {
  const { url, canaries } = await startWithCanaries({ PRESENCE_PER_SECOND: "0", MESSAGES_PER_SECOND: "0" });
  const bodies: (string | Buffer)[] = [
    "",
    ":",
    "1",
    "0:",
    "-1:4",
    "1e3:4",
    "Infinity:4",
    "9".repeat(60_000),
    `${"9".repeat(400)}:4`,
    "1:9",
    " 1:4",
    `1:2${"1:2".repeat(100)}`,
    "1:1".repeat(20_000),
    Buffer.alloc(60_000, 255),
    Buffer.alloc(60_000, 0),
    Buffer.alloc(60_000, 9),
    Buffer.from([0, 9, 9, 255, 0x34]),
    Buffer.from([1, 2, 255, 4, 0x32]),
    Buffer.from([0, 2, 255, 0x34, 0xff]),
    Buffer.concat(range(15_000).map(() => Buffer.from([0, 1, 255, 0x32]))),
  ];
  for (const body of bodies) {
    const session = await RawPolling.connect(url, { eio: 3 });
    expect(await session.postBody(body)).toBe(200); // a session that it ends, ends afterwards
    await canaries.check(String(body.slice(0, 20)));
  }
});

test("of too many sessions without CONNECT the oldest is closed, and no other", async () => {
  const { url, canaries } = await startWithCanaries();
  const statusOf = async (sid: string) => {
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, {
      method: "POST",
      body: "3",
    });
    return answer.status;
  };
  const open = async () => {
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
    return (JSON.parse((await answer.text()).slice(1)) as { sid: string }).sid;
  };
  const oldest = await open();
  expect(await statusOf(oldest)).toBe(200);
  for (let opened = 1; opened < MAX_WITHOUT_CONNECT; opened += 100)
    await Promise.all(range(Math.min(100, MAX_WITHOUT_CONNECT - opened)).map(open));
  expect(await statusOf(oldest)).toBe(200);
  const newest = await open();
  expect(await statusOf(oldest)).toBe(400);
  expect(await statusOf(newest)).toBe(200);
  await canaries.check("many sessions without CONNECT");
});
