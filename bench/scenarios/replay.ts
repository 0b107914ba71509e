/** Many clients resume at once, each as far behind as a replay may be. Measures the time until all have caught up. */
import type { Receipt } from "../client/ackedSender";
import { CONCURRENCY, connectAll } from "../client/connectAll";
import { dialects } from "../client/dialect";
import type { Inbox } from "../client/loadClient";
import { writeMessages } from "../client/writeMessages";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import { COOKING } from "../rooms";
import { SERVICE_ONLY, type Metrics, type Scenario } from "./scenario";

const CLIENTS = 200;
/** Messages; the most that the service replays. */
const MISSED = 1000;
const GIVE_UP_AFTER_MS = 60_000;

type RoomEvent = [string, { data: { uuid: string; serverTimestamp: string }; error: null }, string];
type ResumedEvent = [
  string,
  { data: { rooms: Record<string, { recovered: boolean; replayed: number; offset: string }> }; error: null },
];

/** Compares the first client's replay with the writer's receipts, and the other replays with the bytes of the first. */
class ReplayInbox implements Inbox {
  readonly complete: Promise<void>;
  private readonly received = new Uint16Array(CLIENTS); // frames: the messages and `resumed`
  private readonly expected: Buffer[] = [];
  private completeClients = 0;
  private whenComplete: () => void = () => {};

  constructor(private readonly missed: Receipt[]) {
    this.complete = new Promise((resolve) => (this.whenComplete = resolve));
  }

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    const index = this.received[client] ?? 0;
    const expected = this.expected[index];
    if (expected === undefined) this.onNewFrame(index, buffer.toString("utf8", start, end));
    else if (expected.compare(buffer, start, end) !== 0) {
      throw new Error(`client ${client}: frame ${index} is ${buffer.toString("utf8", start, end)}`);
    }
    this.received[client] = index + 1;
    if (index === MISSED && ++this.completeClients === CLIENTS) this.whenComplete();
  }

  readEnd(): void {}

  get clientsBehind(): number {
    return CLIENTS - this.completeClients;
  }

  private onNewFrame(index: number, text: string): void {
    const event: unknown = JSON.parse(text.slice(dialects.socketio.eventPrefix.length));
    const isRight =
      index < MISSED
        ? isMessage(event as RoomEvent, pick(this.missed, index))
        : index === MISSED && isResumed(event as ResumedEvent, pick(this.missed, MISSED - 1));
    if (!isRight) throw new Error(`unexpected frame ${index} of a replay: ${text}`);
    this.expected[index] = Buffer.from(text);
  }
}

function isMessage([event, envelope, offset]: RoomEvent, receipt: Receipt): boolean {
  const { uuid, serverTimestamp } = envelope.data;
  return (
    event === COOKING.name &&
    uuid === receipt.uuid &&
    serverTimestamp === receipt.serverTimestamp &&
    offset === receipt.offset
  );
}

function isResumed([event, envelope]: ResumedEvent, last: Receipt): boolean {
  const { [COOKING.name]: room, ...others } = envelope.data.rooms;
  return (
    event === "resumed" &&
    room?.recovered === true &&
    room.replayed === MISSED &&
    room.offset === last.offset &&
    Object.values(others).every(({ recovered, replayed }) => recovered && replayed === 0)
  );
}

async function run(target: Target): Promise<Metrics> {
  // One in flight, so that each message is stored on its own, as when people write.
  const [lastSeen, ...missed] = await writeMessages(target, COOKING, { count: 1 + MISSED, inFlight: 1 });
  const auth = { resume: { [COOKING.name]: lastSeen?.offset } };
  const { connect, ...dialect } = dialects.socketio;
  const resuming = { ...dialect, connect: { ...connect, packet: connect.packet + JSON.stringify(auth) } };

  const inbox = new ReplayInbox(missed);
  const watchdog = setTimeout(() => {
    throw new Error(`${inbox.clientsBehind} of ${CLIENTS} clients were not resumed in time`);
  }, GIVE_UP_AFTER_MS);
  const cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  const clients = await connectAll(target, CLIENTS, inbox, resuming);
  await inbox.complete;
  const ms = performance.now() - startedAt;
  const utilisation = cpu.read();
  clearTimeout(watchdog);

  for (const client of clients) client.close();
  return { ms, replayedPerSecond: (CLIENTS * MISSED * 1000) / ms, ...utilisation };
}

const missed = MISSED.toLocaleString("en-US");

export const replay: Scenario = {
  name: "replay",
  targets: SERVICE_ONLY,
  rows: [
    {
      metric: "ms",
      label: `${CLIENTS} clients resume ${missed} messages behind, ${CONCURRENCY} at a time`,
      unit: "ms",
    },
    { metric: "replayedPerSecond", label: "… replayed messages", unit: "per second" },
  ],
  run,
};
