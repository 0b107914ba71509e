/** Presence in both forms, received by many clients: all receive the same events in the same order. */
import type { User } from "./crowd";
import { dialects } from "./dialect";
import type { Inbox } from "./loadClient";

type Client = User & { id?: string };
type Rooms<Item> = Record<string, Item[]>;

/** `presence_information` and `presence_state` have `usersPerRoom`; `presence_diff` has the two others. */
type PresenceEvent = [
  name: string,
  { data: { usersPerRoom?: Rooms<Client>; joined?: Rooms<Client>; left?: Rooms<string> } },
];

/** Parses each event once, when the first client receives it, and compares the bytes that the other clients receive. */
export class PresenceInbox implements Inbox {
  /** Room → its users, according to the events so far. */
  usersPerRoom: Rooms<Client> = {};
  private readonly events: Buffer[] = [];
  private readonly received: number[];
  private isReached: () => boolean = () => false;
  /** The index of the event that made `isReached` true. */
  private lastEvent = Infinity;
  private complete = 0;
  private whenComplete: () => void = () => {};

  constructor(private readonly clients: number) {
    this.received = new Array<number>(clients).fill(0);
  }

  /** Resolves when every client has received the event that makes `isReached` true. */
  until(isReached: () => boolean): Promise<void> {
    this.isReached = isReached;
    this.lastEvent = Infinity;
    this.complete = 0;
    return new Promise((resolve) => (this.whenComplete = resolve));
  }

  frame(client: number, buffer: Buffer, start: number, end: number): void {
    const index = this.received[client] ?? 0;
    this.received[client] = index + 1;
    const event = this.events[index];
    if (event === undefined) this.onNewEvent(index, Buffer.from(buffer.subarray(start, end)));
    else if (event.compare(buffer, start, end) !== 0)
      throw new Error(`client ${client} got another event ${index}`);
    if (index === this.lastEvent && ++this.complete === this.clients) this.whenComplete();
  }

  readEnd(): void {}

  get eventsPerClient(): number {
    return this.events.length;
  }

  private onNewEvent(index: number, event: Buffer): void {
    this.events[index] = event;
    this.apply(JSON.parse(event.toString("utf8", dialects.socketio.eventPrefix.length)) as PresenceEvent);
    if (this.lastEvent === Infinity && this.isReached()) this.lastEvent = index;
  }

  private apply([, { data }]: PresenceEvent): void {
    const { usersPerRoom: rooms = this.usersPerRoom, joined = {}, left = {} } = data;
    this.usersPerRoom = rooms;
    for (const [room, ids] of Object.entries(left)) {
      const gone = new Set<string | undefined>(ids);
      rooms[room] = (rooms[room] ?? []).filter(({ id }) => !gone.has(id));
    }
    for (const [room, clients] of Object.entries(joined)) rooms[room] = [...(rooms[room] ?? []), ...clients];
  }
}
