/** Everybody announces a room at once; over when every client has seen everybody. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { announcement, usersPerRoom, whereabouts, type User } from "../client/crowd";
import { dialects } from "../client/dialect";
import type { Inbox } from "../client/loadClient";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import type { Metrics, Scenario } from "./scenario";

const CLIENTS = 400;
const GIVE_UP_AFTER_MS = 60_000;
/** Keeps each client's first snapshot of everybody, known by its length: all users have one size. */
class SnapshotInbox implements Inbox {
  readonly snapshots: Buffer[] = [];
  snapshotsReceived = 0;
  complete = 0;
  whenComplete: () => void = () => {};

  constructor(private readonly wholeLength: number) {}

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    this.snapshotsReceived++;
    if (end - start !== this.wholeLength || this.snapshots[client] !== undefined) return;
    this.snapshots[client] = Buffer.from(buffer.subarray(start, end));
    if (++this.complete === CLIENTS) this.whenComplete();
  }

  readEnd(): void {}
}

type SnapshotEvent = [string, { data: { usersPerRoom: Record<string, User[]> }; error: null }];

function everybody(): SnapshotEvent {
  return ["presence_information", { data: { usersPerRoom: usersPerRoom(CLIENTS) }, error: null }];
}

function checkSnapshot(snapshot: Buffer, prefix: string): void {
  const [event, envelope] = JSON.parse(snapshot.toString("utf8", prefix.length)) as SnapshotEvent;
  const isRight = whereabouts(envelope.data.usersPerRoom) === whereabouts(usersPerRoom(CLIENTS));
  if (event !== "presence_information" || !isRight) {
    throw new Error(`a snapshot of the right length does not hold everybody: ${snapshot.toString()}`);
  }
}

async function run(target: Target): Promise<Metrics> {
  const dialect = dialects[target.dialect];
  const { eventPrefix } = dialect;
  const inbox = new SnapshotInbox(Buffer.byteLength(eventPrefix + JSON.stringify(everybody())));
  const clients = await connectAll(target, CLIENTS, inbox);
  const announcements = clients.map((_, client) => announcement(dialect, client));
  const bytesReceived = (): number => clients.reduce((sum, client) => sum + client.bytesReceived, 0);

  const completed = new Promise<void>((resolve) => (inbox.whenComplete = resolve));
  const watchdog = setTimeout(() => {
    throw new Error(`${inbox.complete} of ${CLIENTS} clients saw everybody within ${GIVE_UP_AFTER_MS} ms`);
  }, GIVE_UP_AFTER_MS);
  const bytesBefore = bytesReceived();
  const cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  clients.forEach((client, index) => client.send(pick(announcements, index)));
  await completed;
  const ms = performance.now() - startedAt;
  const utilisation = cpu.read();
  clearTimeout(watchdog);

  await pause(500); // what still comes after the last snapshot counts as bytes, though not as time
  const bytes = bytesReceived() - bytesBefore;
  for (const client of clients) client.close();
  for (const snapshot of inbox.snapshots) checkSnapshot(snapshot, eventPrefix);
  return { ms, bytes, snapshotsPerClient: inbox.snapshotsReceived / CLIENTS, ...utilisation };
}

export const presenceStorm: Scenario = {
  name: "presenceStorm",
  rows: [
    { metric: "ms", label: `Presence storm of ${CLIENTS} joins, time`, unit: "ms" },
    { metric: "bytes", label: `Presence storm of ${CLIENTS} joins, received by all`, unit: "bytes" },
  ],
  run,
};
