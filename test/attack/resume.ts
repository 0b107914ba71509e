import { setTimeout as pause } from "node:timers/promises";
import { EVENTS } from "../../src/protocol/events";
import { historyPage } from "../support/chat";
import { range } from "../support/numbers";
import { RawPolling } from "../support/rawPolling";
import { PETS } from "../support/rooms";
import { startStopwatch } from "../support/stopwatch";
import { AttackClient } from "./attackClient";
import { createBacking, fillRooms, LONGEST_TEXT, startScene, watch, type Attack } from "./scene";

const CLIENTS = 100; // of each kind
const SIZES = {
  full: { messages: 700, durationMs: 20_000 },
  small: { messages: 300, durationMs: 6_000 },
};
const HEAP_MB = "256";
const RESUMED = Buffer.from(`42["${EVENTS.resumed}"`);
const HONEST_ADDRESS = "127.0.0.2";
const HONEST_RESUMES_WITHIN_MS = 5_000;
const LIMITS = { serverBytes: 450e6, redisGrowthBytes: 300e6 };

/** Clients that resume the longest messages and do not read: websockets, and sessions of long polling without a poll. */
export const resume: Attack = {
  name: "resume",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const { messages, durationMs } = SIZES[size];
    const backing = await createBacking(store);
    const auth = { resume: await fillRooms(backing, messages, LONGEST_TEXT) };
    const scene = await startScene(backing, { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` });
    const [last] = (await historyPage(scene.service.url, PETS.name, "?limit=2")).messages;
    const honestAuth = { resume: { [PETS.name]: last?.offset } };
    await watch(scene, outcome, LIMITS, async () => {
      const clients = range(CLIENTS).map(() => new AttackClient(scene.port, { auth, reads: false }));
      for (const session of range(CLIENTS).map(() => RawPolling.open(scene.service.url)))
        // The service may end, or refuse the session: the outcome shows the first.
        session.then((each) => each.post(`40${JSON.stringify(auth)}`)).catch(() => undefined);
      await pause(durationMs / 2);
      const honestMs = await resumeMs(scene.port, honestAuth);
      outcome.atMost("until an honest client has resumed", honestMs, HONEST_RESUMES_WITHIN_MS, "ms");
      await pause(durationMs / 2);
      for (const client of clients) client.end();
    });
  },
};

/**
 * Resolves with the time from the connection of a client that missed one message to its `resumed`; Infinity if the
 * server closes the connection.
 */
function resumeMs(port: number, auth: object): Promise<number> {
  const elapsedMs = startStopwatch();
  return new Promise((resolve) => {
    const client: AttackClient = new AttackClient(port, {
      auth,
      localAddress: HONEST_ADDRESS,
      onPacket: (buffer, start) => {
        if (!buffer.subarray(start, start + RESUMED.length).equals(RESUMED)) return;
        resolve(elapsedMs());
        client.end();
      },
    });
    void client.closed.then(() => resolve(Infinity));
  });
}
