import type { HistoryPage } from "../../src/protocol/answers";
import { EVENTS } from "../../src/protocol/events";
import {
  connectResuming,
  historyPage,
  newMessage,
  resumedRooms,
  sendAcked,
  sendNumbered,
  textsAndOffsets,
  wholeHistory,
} from "../support/chat";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { startService } from "../support/service";
import { TestClient } from "../support/testClient";
import { numbers } from "../support/numbers";
import { PETS } from "../support/rooms";

const NO_PAGE = { messages: [], before: null, after: null };

function textsOf({ messages }: HistoryPage): string[] {
  return messages.map(({ message }) => message);
}

async function startWith(count: number, env: Record<string, string> = {}) {
  const service = await startService({ ...NO_RATE_LIMITS, ...env });
  const client = await TestClient.connect(service.url);
  return { ...service, client, offsets: await sendNumbered(client, count) };
}

test("a page is an envelope with exactly the documented keys, its messages as they were heard", async () => {
  const { url } = await startService();
  const client = await connectResuming(url, {});
  const sent = newMessage({ message: '¡hola! 👋 "\\\n\u2028\u0000' });
  const { serverTimestamp, offset } = await sendAcked(client, sent);
  const [[heard, offsetHeard] = []] = await client.waitForArguments("/cooking");
  const response = await fetch(`${url}/rooms/cooking/messages`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const messages = [{ ...sent, serverTimestamp, offset }];
  expect(await response.json()).toEqual({ data: { messages, before: null, after: null }, error: null });
  expect(heard).toEqual({ data: { ...sent, serverTimestamp }, error: null });
  expect(offsetHeard).toBe(offset);
});

test("an empty room has an empty page without neighbours", async () => {
  const { url } = await startService();
  expect(await historyPage(url, "/money")).toEqual(NO_PAGE);
});

test("a page has by default the 50 newest messages of the room, and only of that room", async () => {
  const { url, client } = await startWith(60);
  await sendAcked(client, { chatRoom: PETS, message: "meow" });
  expect(textsOf(await historyPage(url, "/cooking"))).toEqual(numbers(50, 10));
  expect(textsOf(await historyPage(url, "/pets"))).toEqual(["meow"]);
});

test("a page holds up to 200 messages", async () => {
  const { url } = await startWith(201);
  expect(textsOf(await historyPage(url, "/cooking", "?limit=200"))).toEqual(numbers(200, 1));
  expect(textsOf(await historyPage(url, "/cooking", "?limit=1"))).toEqual(["200"]);
});

test("a page ends at about 512 KB, and its neighbours hold the other messages", async () => {
  const { url } = await startService(NO_RATE_LIMITS);
  const client = await TestClient.connect(url);
  const message = "\u0001".repeat(4_000); // 24 KB of JSON
  const uuids = numbers(50);
  await Promise.all(uuids.map((uuid) => sendAcked(client, { message, uuid })));
  const newest = await historyPage(url, "/cooking", "?limit=200");
  const oldest = await historyPage(
    url,
    "/cooking",
    `?limit=200&after=${(await wholeHistory(url))[0]?.offset ?? ""}`,
  );
  for (const page of [newest, oldest]) {
    const bytes = JSON.stringify(page.messages).length;
    expect(bytes).toBeGreaterThan(480 * 1024);
    expect(bytes).toBeLessThan(520 * 1024);
  }
  expect([newest.before, oldest.before, newest.after, oldest.after].map((offset) => offset === null)).toEqual(
    [false, false, true, false],
  );
  expect((await wholeHistory(url)).map(({ uuid }) => uuid)).toEqual(uuids);
});

test("pages lead both ways, each message once, null at the ends", async () => {
  const { url } = await startWith(25);
  const newest = await historyPage(url, "/cooking", "?limit=10");
  const middle = await historyPage(url, "/cooking", `?limit=10&before=${String(newest.before)}`);
  const oldest = await historyPage(url, "/cooking", `?before=${String(middle.before)}&limit=10`);
  expect([oldest, middle, newest].map(textsOf)).toEqual([numbers(5), numbers(10, 5), numbers(10, 15)]);
  expect([oldest.before, newest.after]).toEqual([null, null]);
  expect(await historyPage(url, "/cooking", `?limit=10&after=${String(oldest.after)}`)).toEqual(middle);
  expect(await historyPage(url, "/cooking", `?limit=10&after=${String(middle.after)}`)).toEqual(newest);
});

test("a page that just fits has no neighbour", async () => {
  const { url, offsets } = await startWith(10);
  expect(await historyPage(url, "/cooking", "?limit=10")).toMatchObject({ before: null, after: null });
  const forward = await historyPage(url, "/cooking", `?limit=9&after=${String(offsets[0])}`);
  expect(textsOf(forward)).toEqual(numbers(9, 1));
  expect(forward.after).toBeNull();
  const backward = await historyPage(url, "/cooking", `?limit=9&before=${String(offsets[9])}`);
  expect(textsOf(backward)).toEqual(numbers(9));
  expect(backward.before).toBeNull();
});

test("every message's offset leads to what is before and after it", async () => {
  const { url, offsets } = await startWith(12);
  for (const [index, offset] of offsets.entries()) {
    const after = await historyPage(url, "/cooking", `?after=${offset}`);
    const before = await historyPage(url, "/cooking", `?before=${offset}`);
    expect(textsOf(before)).toEqual(numbers(index));
    expect(textsOf(after)).toEqual(numbers(11 - index, index + 1));
  }
});

test("an end that was reached is where new messages are asked for", async () => {
  const { url, client, offsets } = await startWith(3);
  const last = String(offsets[2]);
  expect(await historyPage(url, "/cooking", `?after=${last}`)).toMatchObject({ messages: [], after: null });
  await sendAcked(client, { message: "new" });
  expect(textsOf(await historyPage(url, "/cooking", `?after=${last}`))).toEqual(["new"]);
});

test("only HISTORY_MAX_MESSAGES are kept to read, and pages end there", async () => {
  const { url, offsets } = await startWith(30, { HISTORY_MAX_MESSAGES: "10" });
  expect((await wholeHistory(url)).map(({ message }) => message)).toEqual(numbers(10, 20));
  expect(await historyPage(url, "/cooking", "?limit=200")).toMatchObject({ before: null, after: null });
  const trimmed = await fetch(`${url}/rooms/cooking/messages?after=${String(offsets[5])}`);
  expect(trimmed.status).toBe(400);
});

test("the offsets of history, of receipts, live and of a replay are the same", async () => {
  const { url, offsets } = await startWith(5);
  const live = await connectResuming(url, {});
  const before = (await resumedRooms(live))["/cooking"]?.offset;
  const sender = await TestClient.connect(url);
  const more = await sendNumbered(sender, 5, { message: "more" });
  const heard = textsAndOffsets(await live.waitForArguments("/cooking", 5)).map(([, offset]) => offset);
  const back = await connectResuming(url, { "/cooking": offsets[0] });
  const replayed = textsAndOffsets(await back.waitForArguments("/cooking", 9)).map(([, offset]) => offset);
  const kept = (await wholeHistory(url)).map(({ offset }) => offset);
  expect(before).toBe(offsets[4]);
  expect(heard).toEqual(more);
  expect(kept).toEqual([...offsets, ...more]);
  expect(replayed).toEqual(kept.slice(1));
});

describe("refusals", () => {
  test.each([
    ["limit=0", "Page is not valid"],
    ["limit=201", "Page is not valid"],
    ["limit=-1", "Page is not valid"],
    ["limit=1.5", "Page is not valid"],
    ["limit=1e2", "Page is not valid"],
    ["limit=%2010", "Page is not valid"],
    ["limit=", "Page is not valid"],
    ["limit=ten", "Page is not valid"],
    ["limit=99999999999999999999", "Page is not valid"],
    ["limit=1&limit=2", "Page is not valid"],
    ["before=OFFSET&after=OFFSET", "Page is not valid"],
    ["before=&after=", "Page is not valid"],
    ["before=OFFSET&before=OFFSET", "Page is not valid"],
    ["before=", "Offset is not known"],
    ["after=", "Offset is not known"],
    ["after=0", "Offset is not known"],
    ["after=OFFSET0", "Offset is not known"],
    ["after=%20OFFSET", "Offset is not known"],
    ["after=000000000000-1", "Offset is not known"],
    ["before=__proto__", "Offset is not known"],
    ["before=%00", "Offset is not known"],
    ["after=FFFFFFFFFFFF-1", "Offset is not known"],
  ])("?%s", async (query, message) => {
    const { url, offsets } = await startWith(2);
    const response = await fetch(
      `${url}/rooms/cooking/messages?${query.replaceAll("OFFSET", String(offsets[0]))}`,
    );
    const refused = { data: null, error: { message, status: 400, errors: [] } };
    expect([response.status, await response.json()]).toEqual([400, refused]);
  });

  test.each(["nowhere", "__proto__", "constructor", "%2Fcooking", "Cooking", "..%2Frooms", "%00"])(
    "/rooms/%s/messages is a room that does not exist, whatever the query",
    async (room) => {
      const { url } = await startService();
      const response = await fetch(`${url}/rooms/${room}/messages?limit=0`);
      expect(response.status).toBe(404);
      const error = { message: "Chat room does not exist", status: 404, errors: [] };
      expect(await response.json()).toEqual({ data: null, error });
    },
  );

  test("a path that cannot be decoded is a bad request", async () => {
    const { url } = await startService();
    const response = await fetch(`${url}/rooms/%E0%A4%A/messages`);
    expect(await response.json()).toMatchObject({ data: null, error: { status: 400 } });
  });

  test.each(["POST", "PUT", "DELETE", "PATCH"])("%s is not allowed", async (method) => {
    const { url } = await startService();
    const response = await fetch(`${url}/rooms/cooking/messages`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await response.json()).toMatchObject({ data: null, error: { status: 405, errors: [] } });
  });

  test("an offset of another room is not known", async () => {
    const { url, client } = await startWith(3);
    const [ofPets] = await sendNumbered(client, 3, { chatRoom: PETS });
    const response = await fetch(`${url}/rooms/cooking/messages?after=${String(ofPets)}`);
    expect(response.status).toBe(400);
  });
});

describe("the limit per address", () => {
  async function statuses(url: string, count: number, headers: Record<string, string> = {}) {
    const found: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const response = await fetch(`${url}/rooms/cooking/messages`, { headers });
      found.push(response.status);
      await response.arrayBuffer();
    }
    return found;
  }

  const limited = { HISTORY_PER_SECOND: "1", HISTORY_BURST: "3" };

  test("refuses more pages than HISTORY_BURST with 429, and nothing else", async () => {
    const { url } = await startService(limited);
    expect(await statuses(url, 4)).toEqual([200, 200, 200, 429]);
    const error = { message: "Too many requests", status: 429, errors: [] };
    const response = await fetch(`${url}/rooms/cooking/messages`);
    expect(await response.json()).toEqual({ data: null, error });
    expect((await fetch(`${url}/rooms`)).status).toBe(200);
    const client = await TestClient.connect(url, { auth: { resume: {} } });
    await client.waitFor(EVENTS.resumed);
    await sendAcked(client);
  });

  test("counts each address behind a trusted proxy by itself, and ignores forwarding headers of others", async () => {
    const proxied = await startService({ ...limited, TRUST_PROXY: "1" });
    const from = (address: string) => ({ "X-Forwarded-For": `6.6.6.6, ${address}` });
    expect(await statuses(proxied.url, 4, from("1.1.1.1"))).toEqual([200, 200, 200, 429]);
    expect(await statuses(proxied.url, 3, from("2.2.2.2"))).toEqual([200, 200, 200]);
    const direct = await startService(limited);
    await statuses(direct.url, 3, from("1.1.1.1"));
    expect(await statuses(direct.url, 1, from("2.2.2.2"))).toEqual([429]);
  });

  test("is off with 0", async () => {
    const { url } = await startService({ HISTORY_PER_SECOND: "0", HISTORY_BURST: "1" });
    expect(new Set(await statuses(url, 100))).toEqual(new Set([200]));
  });
});
