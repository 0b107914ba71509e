/** All clients announce a room at once. Measures the time until every client knows all of them. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { announcement, usersPerRoom, usersAsText, type User } from "../client/crowd";
import { dialects } from "../client/dialect";
import type { Inbox } from "../client/loadClient";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import type { Metrics, Scenario } from "./scenario";

const CLIENTS = 400;
const GIVE_UP_AFTER_MS = 60_000;
/** Events that arrive in this time after the measurement count as bytes, not as time. */
const AFTERMATH_MS = 500;

/** Keeps each client's first complete snapshot, recognised by its length: all users have the same size. */
class SnapshotInbox implements Inbox {
  readonly snapshots: Buffer[] = [];
  snapshotsReceived = 0;
  complete = 0;
  whenComplete: () => void = () => {};

  constructor(private readonly completeLength: number) {}

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    this.snapshotsReceived++;
    if (end - start !== this.completeLength || this.snapshots[client] !== undefined) return;
    this.snapshots[client] = Buffer.from(buffer.subarray(start, end));
    if (++this.complete === CLIENTS) this.whenComplete();
  }

  readEnd(): void {}
}

type SnapshotEvent = [string, { data: { usersPerRoom: Record<string, User[]> }; error: null }];

function completeSnapshot(): SnapshotEvent {
  return ["presence_information", { data: { usersPerRoom: usersPerRoom(CLIENTS) }, error: null }];
}

function checkSnapshot(snapshot: Buffer, prefix: string): void {
  const [event, envelope] = JSON.parse(snapshot.toString("utf8", prefix.length)) as SnapshotEvent;
  const isRight = usersAsText(envelope.data.usersPerRoom) === usersAsText(usersPerRoom(CLIENTS));
  if (event !== "presence_information" || !isRight) {
    throw new Error(`a snapshot of the right length is not complete: ${snapshot.toString()}`);
  }
}

async function run(target: Target): Promise<Metrics> {
  const dialect = dialects[target.dialect];
  const { eventPrefix } = dialect;
  const inbox = new SnapshotInbox(Buffer.byteLength(eventPrefix + JSON.stringify(completeSnapshot())));
  const clients = await connectAll(target, CLIENTS, inbox);
  const announcements = clients.map((_, client) => announcement(dialect, client));
  const bytesReceived = (): number => clients.reduce((sum, client) => sum + client.bytesReceived, 0);

  const completed = new Promise<void>((resolve) => (inbox.whenComplete = resolve));
  const watchdog = setTimeout(() => {
    throw new Error(
      `${inbox.complete} of ${CLIENTS} clients had a complete snapshot within ${GIVE_UP_AFTER_MS} ms`,
    );
  }, GIVE_UP_AFTER_MS);
  const bytesBefore = bytesReceived();
  const cpu = new CpuMeter(target.pid);
  const startedAt = performance.now();
  clients.forEach((client, index) => client.send(pick(announcements, index)));
  await completed;
  const ms = performance.now() - startedAt;
  const utilisation = cpu.read();
  clearTimeout(watchdog);

  await pause(AFTERMATH_MS);
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
