import type { DataEnvelope, PresenceDiff, PresenceState, PresentClient } from "../../src/protocol/events";
import type { Random } from "./random";
import { TestClient } from "./testClient";
import { until } from "./until";
import { ROOM_NAMES } from "./rooms";

type UsersPerRoom = PresenceState["usersPerRoom"];

export const EMPTY_ROOMS: UsersPerRoom = Object.fromEntries(ROOM_NAMES.map((room) => [room, []]));

/** A client that opted in to presence by difference, and the state that it knows. */
export class PresenceWatcher {
  readonly client: TestClient;
  /** Descriptions of diffs that did not fit the known state. */
  readonly violations: string[] = [];
  #rooms: UsersPerRoom;

  private constructor(client: TestClient, usersPerRoom: UsersPerRoom) {
    this.client = client;
    this.#rooms = usersPerRoom;
  }

  static async connect(url: string, auth: Record<string, unknown> = {}): Promise<PresenceWatcher> {
    const client = await TestClient.connect(url, { auth: { presence: "diff", ...auth } });
    const [state] = await client.waitFor<DataEnvelope<PresenceState>>("presence_state");
    return new PresenceWatcher(client, state?.data.usersPerRoom ?? {});
  }

  /** Waits for the next diff and applies it. */
  async diff(): Promise<PresenceDiff> {
    const [envelope] = await this.client.waitFor<DataEnvelope<PresenceDiff>>("presence_diff");
    if (envelope === undefined) throw new Error("no diff");
    this.#apply(envelope.data);
    return envelope.data;
  }

  /** Applies all diffs that have arrived and returns the state. */
  async known(): Promise<UsersPerRoom> {
    while (this.client.queued("presence_diff").length > 0) await this.diff();
    return this.#rooms;
  }

  #apply({ joined, left }: PresenceDiff): void {
    const rooms = this.#rooms;
    for (const [room, ids] of Object.entries(left)) {
      for (const id of ids) {
        const before = rooms[room] ?? [];
        rooms[room] = before.filter((client) => client.id !== id);
        if (rooms[room]?.length !== before.length - 1)
          this.violations.push(`${id} left ${room}, where it was not`);
      }
    }
    for (const [room, clients] of Object.entries(joined))
      for (const client of clients) this.#join(room, client);
  }

  #join(room: string, client: PresentClient): void {
    const clients = this.#rooms[room] ?? [];
    const index = clients.findIndex(({ id }) => id === client.id);
    if (index >= 0) clients[index] = client;
    else clients.push(client);
    this.#rooms[room] = clients;
    const places = Object.values(this.#rooms).flat().filter(({ id }) => id === client.id).length; // prettier-ignore
    if (places !== 1) this.violations.push(`${client.id} is in ${String(places)} rooms`);
  }
}

/**
 * Clients join, move, change names and leave at random, on all nodes. Then all that are left must know the same state
 * as a newcomer. States are compared as JSON of what `normalize` returns.
 */
export async function presenceStorm(
  urls: readonly string[],
  random: Random,
  normalize: (known: UsersPerRoom) => unknown = (known) => known,
): Promise<void> {
  const watchers: PresenceWatcher[] = [];
  for (let step = 0; step < 300; step += 1) {
    const watcher = watchers[random.between(0, 11)];
    if (watcher === undefined) {
      watchers.push(await PresenceWatcher.connect(random.pick(urls)));
    } else if (random.next() < 0.1) {
      watcher.client.disconnect();
      watchers.splice(watchers.indexOf(watcher), 1);
    } else {
      const name = random.pick(ROOM_NAMES);
      watcher.client.announcePresence({
        username: `u${String(random.between(0, 9))}`,
        currentRoom: { label: name, name },
      });
    }
    if (random.next() < 0.2) await new Promise((resolve) => setImmediate(resolve));
  }
  const allStates = async () =>
    Promise.all(urls.map(async (url) => JSON.stringify(normalize(await stateAt(url)))));
  await until(`all nodes know the same (seed ${String(random.seed)})`, async () => {
    return new Set(await allStates()).size === 1;
  });
  // A new name alone causes no diff: a move sends it.
  const mover = await PresenceWatcher.connect(random.pick(urls));
  mover.client.announcePresence({ username: "mover" });
  watchers.push(mover);
  await until(`all know the same (seed ${String(random.seed)})`, async () => {
    const known = watchers.map(async (watcher) => JSON.stringify(normalize(await watcher.known())));
    return new Set([...(await Promise.all(known)), ...(await allStates())]).size === 1;
  });
  expect(watchers.flatMap(({ violations }) => violations)).toEqual([]);
}

async function stateAt(url: string): Promise<UsersPerRoom> {
  const late = await PresenceWatcher.connect(url);
  const known = await late.known();
  late.client.disconnect();
  return known;
}
