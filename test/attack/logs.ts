import { setTimeout as pause } from "node:timers/promises";
import { EVENTS } from "../../src/protocol/events";
import { range } from "../support/numbers";
import { COOKING, PETS } from "../support/rooms";
import { AttackClient } from "./attackClient";
import { createBacking, startScene, type Attack } from "./scene";

const SIZES = { full: { clients: 200, durationMs: 15_000 }, small: { clients: 20, durationMs: 5_000 } };
const NAME = "secret-name-".padEnd(64, "n");
const AVATAR = "secret-avatar-".padEnd(2_048, "a");
const TEXT = "secret-text";
const INTERVAL_MS = 250;
const MAX_LOG_BYTES = 1e6;

/** Names, avatars and messages while Redis is full: none of them may reach the log. */
export const logs: Attack = {
  name: "logs",
  stores: ["redis"],
  async run({ store, size, outcome }) {
    const backing = await createBacking(store);
    const { service, port } = await startScene(backing);
    const { clients: count, durationMs } = SIZES[size];
    const clients = range(count).map(() => new AttackClient(port));
    await Promise.all(clients.map(({ connected }) => connected));
    const announce = (round: number) => {
      const currentRoom = round % 2 === 0 ? COOKING : PETS;
      const presence = { username: NAME, avatar: AVATAR, currentRoom };
      const message = { username: NAME, message: TEXT, uuid: String(round), chatRoom: COOKING };
      const events = [[EVENTS.newPresenceInformation, presence], [EVENTS.newMessage, message]]; // prettier-ignore
      for (const client of clients) client.send(...events.map((event) => `42${JSON.stringify(event)}`));
    };
    announce(0);
    await backing.redis?.control.config("SET", "maxmemory", "1");
    const before = service.stdout.length;
    for (let round = 1; round * INTERVAL_MS < durationMs; round += 1) {
      announce(round);
      await pause(INTERVAL_MS);
    }
    const log = service.stdout;
    for (const secret of ["secret-name", "secret-avatar", TEXT])
      outcome.expect(`the log does not contain "${secret}"`, !log.includes(secret));
    outcome.expect("the log says that Redis is full", /OOM|maxmemory/.test(log.slice(before)));
    outcome.atMost("written to the log", log.length - before, MAX_LOG_BYTES, "MB");
    for (const client of clients) client.end();
  },
};
