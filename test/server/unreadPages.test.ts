import { get } from "node:http";
import { text } from "node:stream/consumers";
import { EVENTS } from "../../src/protocol/events";
import { Canaries } from "../support/canaries";
import { newMessage } from "../support/chat";
import { measureLoopDelay } from "../support/loopDelay";
import { NO_RATE_LIMITS } from "../support/noRateLimits";
import { range } from "../support/numbers";
import { exchange, RawTcp } from "../support/rawTcp";
import { startService, type RunningService } from "../support/service";
import { TestClient } from "../support/testClient";
import { until } from "../support/until";

const LONGEST = "\u0001".repeat(4_000); // 24 KB of JSON
const ATTACKER = "127.0.0.2";
const PAGE = "GET /rooms/cooking/messages?limit=200 HTTP/1.1\r\nHost: localhost\r\n";
const MAX_DELAY_MS = 300;

/** The service, with a room of the longest messages: one page in count, and eight in bytes. */
async function startWithLongMessages(): Promise<RunningService> {
  const service = await startService({ ...NO_RATE_LIMITS, HOST: "127.0.0.1" });
  const client = await TestClient.connect(service.url.replace("localhost", "127.0.0.1"));
  const sent = range(160).map(() => client.ask(EVENTS.newMessage, newMessage({ message: LONGEST })));
  await Promise.all(sent);
  return service;
}

/** Resolves with the status of a short page that one of this machine's addresses requests. */
function statusFor({ port }: RunningService, localAddress: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const path = "/rooms/cooking/messages?limit=1";
    const request = get({ host: "127.0.0.1", port, path, localAddress, agent: false }, (answer) => {
      text(answer).then(() => resolve(answer.statusCode), reject);
    });
    request.on("error", reject);
  });
}

test("fifty pages requested in one write hold nothing up", async () => {
  const service = await startWithLongMessages();
  const canaries = await Canaries.start(`http://127.0.0.1:${String(service.port)}`);
  const longestDelayMs = measureLoopDelay();
  const attack = exchange(service.port, `${`${PAGE}\r\n`.repeat(49)}${PAGE}Connection: close\r\n\r\n`);
  await canaries.chat("while pages are read");
  expect((await attack).body.match(/HTTP\/1.1 200/g)).toHaveLength(49);
  expect(longestDelayMs()).toBeLessThan(MAX_DELAY_MS);
});

test("an address that does not read its pages waits for more of them, and others get theirs", async () => {
  const service = await startWithLongMessages();
  const openUnread = () => RawTcp.open(service.port, `${PAGE}\r\n`.repeat(14), ATTACKER);
  for (const { socket } of await Promise.all(range(24).map(openUnread))) socket.pause();
  await until("a page waits longer than many pages of another address", async () => {
    let isAnswered = false;
    const answer = statusFor(service, ATTACKER).finally(() => (isAnswered = true));
    for (let i = 0; i < 100; i += 1) expect(await statusFor(service, "127.0.0.1")).toBe(200);
    if (!isAnswered) answer.catch(() => undefined); // it ends with the service
    return !isAnswered;
  });
});
