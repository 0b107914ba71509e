/** Everybody announces a room at once; over when every client has seen everybody. */
import { setTimeout as pause } from "node:timers/promises";
import { textFrame } from "../client/clientFrames";
import { connectAll } from "../client/connectAll";
import { dialects } from "../client/dialect";
import type { Inbox } from "../client/rawClient";
import { CpuMeter } from "../measure/cpu";
import { pick } from "../measure/pick";
import type { Metrics, Scenario, Target } from "./scenario";

const CLIENTS = 400;
const GIVE_UP_AFTER_MS = 60_000;
const ROOMS = [
  { label: "Cooking", name: "/cooking" },
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];

interface User {
  username: string;
  avatar: string;
}

function user(client: number): User {
  const number = String(client).padStart(4, "0");
  return { username: `user-${number}`, avatar: `https://avatars.example/${number}.png` };
}

function roomOf(client: number): (typeof ROOMS)[number] {
  return pick(ROOMS, client % ROOMS.length);
}

function everybody(): [string, { data: { usersPerRoom: Record<string, User[]> }; error: null }] {
  const usersPerRoom: Record<string, User[]> = {};
  for (let client = 0; client < CLIENTS; client++)
    (usersPerRoom[roomOf(client).name] ??= []).push(user(client));
  return ["presence_information", { data: { usersPerRoom }, error: null }];
}

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

function checkSnapshot(snapshot: Buffer, prefix: string): void {
  const [event, envelope] = JSON.parse(snapshot.toString("utf8", prefix.length)) as ReturnType<
    typeof everybody
  >;
  const seen = Object.entries(envelope.data.usersPerRoom).flatMap(([room, users]) =>
    users.map(({ username, avatar }) => `${room} ${username} ${avatar}`),
  );
  const all = Array.from({ length: CLIENTS }, (_, client) => {
    const { username, avatar } = user(client);
    return `${roomOf(client).name} ${username} ${avatar}`;
  });
  if (event !== "presence_information" || seen.sort().join() !== all.sort().join()) {
    throw new Error(`a snapshot of the right length does not hold everybody: ${snapshot.toString()}`);
  }
}

async function run(target: Target): Promise<Metrics> {
  const { eventPrefix } = dialects[target.dialect];
  const inbox = new SnapshotInbox(Buffer.byteLength(eventPrefix + JSON.stringify(everybody())));
  const clients = await connectAll(target, CLIENTS, inbox);
  const announcements = clients.map((_, client) => {
    const payload = { ...user(client), currentRoom: roomOf(client) };
    return textFrame(eventPrefix + JSON.stringify(["new_presence_information", payload]));
  });
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
