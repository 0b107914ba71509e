import { setTimeout as pause } from "node:timers/promises";
import { EVENTS } from "../../src/protocol/events";
import { MAX_AVATAR_LENGTH } from "../../src/protocol/limits";
import { range } from "../support/numbers";
import { COOKING, PETS } from "../support/rooms";
import { AttackClient } from "./attackClient";
import { createBacking, startScene, watch, type Attack } from "./scene";

const SIZES = { full: { clients: 200, seconds: 10 }, small: { clients: 100, seconds: 1 } };
const BURST = 20;
const PER_SECOND = 5;
const AVATAR = "a".repeat(MAX_AVATAR_LENGTH);
const SILENCE_MS = 10_000; // without a further answer, the rest is not answered
const ACK = /^43(\d+)\[/;

/** Announces its presence and counts the answers. */
class Announcer {
  readonly client: AttackClient;
  sent = 0;
  answered = 0;
  readonly #name: string;

  constructor(port: number, name: string) {
    this.#name = name;
    this.client = new AttackClient(port, {
      onPacket: (buffer, start) => {
        if (ACK.test(buffer.toString("latin1", start, start + 16))) this.answered += 1;
      },
    });
  }

  /** Sends the events in one write. */
  announce(count: number): void {
    this.client.send(...range(count, this.sent).map((id) => this.#event(id)));
    this.sent += count;
  }

  #event(id: number): string {
    const currentRoom = id % 2 === 0 ? COOKING : PETS;
    const presence = { username: this.#name, avatar: AVATAR, currentRoom };
    return `42${String(id)}${JSON.stringify([EVENTS.newPresenceInformation, presence])}`;
  }
}

/** Clients with the longest avatars that announce their presence, with a callback, as often as they may. */
export const presenceAcks: Attack = {
  name: "presenceAcks",
  stores: ["embedded", "redis"],
  async run({ store, size, outcome }) {
    const { clients, seconds } = SIZES[size];
    const scene = await startScene(await createBacking(store));
    await watch(scene, outcome, {}, async () => {
      const announcers = range(clients).map((index) => new Announcer(scene.port, `user${String(index)}`));
      await Promise.all(announcers.map(({ client }) => client.connected));
      for (const announcer of announcers) announcer.announce(BURST);
      for (let sent = 0; sent < seconds * PER_SECOND; sent += 1) {
        await pause(1_000 / PER_SECOND);
        for (const announcer of announcers) announcer.announce(1);
      }
      const start = performance.now();
      const sent = announcers.reduce((sum, announcer) => sum + announcer.sent, 0);
      const answered = await answers(announcers, sent);
      outcome.note("from the last event to the last answer", performance.now() - start, "ms");
      outcome.expect(`${String(sent)} events are answered`, answered === sent, `(${String(answered)})`);
      const closed = announcers.filter(({ client }) => client.isClosed).length;
      outcome.atMost("disconnected", closed, 0, "clients");
      for (const { client } of announcers) client.end();
    });
  },
};

/** Resolves with the number of answers, once it is `expected`, or once no more come. */
async function answers(announcers: readonly Announcer[], expected: number): Promise<number> {
  const count = () => announcers.reduce((sum, { answered }) => sum + answered, 0);
  let [last, changedAt] = [count(), performance.now()];
  while (last < expected && performance.now() - changedAt < SILENCE_MS) {
    await pause(50);
    if (count() !== last) [last, changedAt] = [count(), performance.now()];
  }
  return last;
}
