import { setTimeout as pause } from "node:timers/promises";
import { AttackClient } from "./attackClient";
import { cpuSeconds } from "./processFigures";
import { createBacking, fillRooms, LONGEST_TEXT, startScene, watch, type Attack } from "./scene";

const SIZES = {
  full: { messages: 700, durationMs: 10_000 },
  small: { messages: 300, durationMs: 4_000 },
};
const INTERVAL_MS = 50;
const MAX_CPU_PERCENT = 50; // of one core
const LIMITS = { redisGrowthBytes: 100e6 };
const ROOM_EVENT = Buffer.from('42["/');

/** One client that resumes the longest messages, leaves at the first one, and comes back, 20 times a second. */
export const comeAndGo: Attack = {
  name: "comeAndGo",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const { messages, durationMs } = SIZES[size];
    const backing = await createBacking(store);
    const auth = { resume: await fillRooms(backing, messages, LONGEST_TEXT) };
    const scene = await startScene(backing);
    const { port, pid } = scene;
    await watch(scene, outcome, LIMITS, async () => {
      const clients = new Set<AttackClient>();
      const start = performance.now();
      const cpuBefore = cpuSeconds(pid);
      while (performance.now() - start < durationMs) {
        clients.add(visit(port, auth, (client) => clients.delete(client)));
        await pause(INTERVAL_MS);
      }
      const seconds = (performance.now() - start) / 1_000;
      const percent = ((cpuSeconds(pid) - cpuBefore) / seconds) * 100;
      outcome.atMost("server, processor time", percent, MAX_CPU_PERCENT, "%");
      for (const client of clients) client.end();
    });
  },
};

/** Connects, and leaves as soon as a message has arrived. */
function visit(port: number, auth: object, onLeft: (client: AttackClient) => void): AttackClient {
  const client: AttackClient = new AttackClient(port, {
    auth,
    onPacket: (buffer, start) => {
      if (!buffer.subarray(start, start + ROOM_EVENT.length).equals(ROOM_EVENT)) return;
      client.end();
      onLeft(client);
    },
  });
  return client;
}
