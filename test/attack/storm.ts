import { setTimeout as pause } from "node:timers/promises";
import { EVENTS, type DataEnvelope, type Resumed } from "../../src/protocol/events";
import { range } from "../support/numbers";
import { AttackClient } from "./attackClient";
import { cpuSeconds } from "./processFigures";
import { Outcome } from "./outcome";
import { createBacking, fillRooms, startScene, watch, type Attack, type Size, type Store } from "./scene";

const SIZES = { full: { clients: 500, messages: 900 }, small: { clients: 100, messages: 900 } };
const BACK_WITHIN_MS = 45_000;
const MAX_CPU_RATIO = 2; // Redis to the embedded log
/** The whole audience comes back at once, so the canary has no limit. It must not bring a room to 1,000 messages. */
const CANARY = { canaryMs: Infinity, canaryIntervalMs: 600 };
const RESUMED = Buffer.from(`42["${EVENTS.resumed}",`);

/** Honest clients that come back at once, all far behind, as after a restart of the service. */
export const storm: Attack = {
  name: "storm",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const cpu = await resumeAtOnce(store, size, outcome);
    if (store === "embedded") return;
    const embeddedCpu = await resumeAtOnce("embedded", size, new Outcome());
    outcome.atMost("processor time, compared with the embedded log", cpu / embeddedCpu, MAX_CPU_RATIO, "×");
  },
};

/** Resolves with the processor time of the server, in seconds. */
async function resumeAtOnce(store: Store, size: Size, outcome: Outcome): Promise<number> {
  const { clients: count, messages } = SIZES[size];
  const backing = await createBacking(store);
  const auth = { resume: await fillRooms(backing, messages, "hello everybody, how are you today?") };
  const scene = await startScene(backing);
  let cpu = NaN;
  await watch(scene, outcome, CANARY, async () => {
    const cpuBefore = cpuSeconds(scene.pid);
    const start = performance.now();
    let [recovered, unrecovered] = [0, 0];
    const onPacket = (buffer: Buffer, from: number, to: number) => {
      if (!buffer.subarray(from, from + RESUMED.length).equals(RESUMED)) return;
      if (isRecovered(buffer.toString("utf8", from + RESUMED.length, to - 1), messages)) recovered += 1;
      else unrecovered += 1;
    };
    const clients = range(count).map(() => new AttackClient(scene.port, { auth, onPacket }));
    const closed = () => clients.filter(({ isClosed }) => isClosed).length;
    const isOver = () => recovered + unrecovered + closed() >= count;
    while (!isOver() && performance.now() - start < BACK_WITHIN_MS) await pause(50);
    outcome.atMost("until all are back", performance.now() - start, BACK_WITHIN_MS, "ms");
    outcome.expect(`${String(count)} of ${String(count)} are back`, recovered === count, `(${String(recovered)})`); // prettier-ignore
    outcome.atMost("disconnected", closed(), 0, "clients");
    cpu = cpuSeconds(scene.pid) - cpuBefore;
    outcome.note("server, processor time", cpu, "s");
    for (const client of clients) client.end();
  });
  scene.service.child.kill("SIGKILL");
  await scene.redis?.kill();
  return cpu;
}

function isRecovered(json: string, messages: number): boolean {
  const { rooms } = (JSON.parse(json) as DataEnvelope<Resumed>).data;
  return Object.values(rooms).every(({ recovered, replayed }) => recovered && replayed >= messages);
}
