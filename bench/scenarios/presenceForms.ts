/** Compares presence by snapshots and by difference: all users of a large crowd join at once, then single users move. */
import { setTimeout as pause } from "node:timers/promises";
import { connectAll } from "../client/connectAll";
import { announcement, roomOf, user, usersPerRoom, usersAsText } from "../client/crowd";
import { dialects, type Dialect } from "../client/dialect";
import { PresenceInbox } from "../client/presenceInbox";
import { median } from "../measure/statistics";
import { pick } from "../measure/pick";
import type { Target } from "../process/target";
import { SERVICE_ONLY, type Metrics, type Scenario } from "./scenario";

export const CLIENTS = 2_000;
/** Made one after the other. */
const MOVES = 5;
const GIVE_UP_AFTER_MS = 60_000;
/** Events that arrive in this time after the measurement count as bytes, not as time. */
const AFTERMATH_MS = 500;

type Form = "snapshot" | "diff";

function dialectOf(form: Form): Dialect {
  const { connect, ...dialect } = dialects.socketio;
  const auth = form === "diff" ? JSON.stringify({ presence: "diff" }) : "";
  return { ...dialect, connect: { ...connect, packet: connect.packet + auth } };
}

async function crowd(target: Target, form: Form): Promise<Metrics> {
  const inbox = new PresenceInbox(CLIENTS);
  const watchdog = setTimeout(() => {
    throw new Error(`not all of ${CLIENTS} clients received everything within ${GIVE_UP_AFTER_MS} ms`);
  }, GIVE_UP_AFTER_MS);
  const dialect = dialectOf(form);
  const stateArrived = form === "diff" ? inbox.until(() => true) : undefined;
  const clients = await connectAll(target, CLIENTS, inbox, dialect);
  await stateArrived;
  const bytesReceived = (): number => clients.reduce((sum, client) => sum + client.bytesReceived, 0);

  /** Resolves with the time and the bytes until every client knows. */
  const measure = async (isKnown: () => boolean, act: () => void): Promise<{ ms: number; bytes: number }> => {
    const bytesBefore = bytesReceived();
    const known = inbox.until(isKnown);
    const startedAt = performance.now();
    act();
    await known;
    const ms = performance.now() - startedAt;
    await pause(AFTERMATH_MS);
    return { ms, bytes: bytesReceived() - bytesBefore };
  };

  const all = usersAsText(usersPerRoom(CLIENTS));
  const announcements = clients.map((_, client) => announcement(dialect, client));
  const storm = await measure(
    () => usersAsText(inbox.usersPerRoom) === all,
    () => clients.forEach((client, index) => client.send(pick(announcements, index))),
  );
  const stormEvents = inbox.eventsPerClient;
  const moves = [];
  for (let mover = 0; mover < MOVES; mover++) {
    const { username } = user(mover);
    const { name } = roomOf(mover, 1);
    moves.push(
      await measure(
        () => (inbox.usersPerRoom[name] ?? []).some((present) => present.username === username),
        () => pick(clients, mover).send(announcement(dialect, mover, 1)),
      ),
    );
  }
  clearTimeout(watchdog);
  for (const client of clients) client.close();
  return {
    [`${form}Ms`]: storm.ms,
    [`${form}Bytes`]: storm.bytes,
    [`${form}Events`]: stormEvents,
    [`${form}MoveMs`]: median(moves.map(({ ms }) => ms)),
    [`${form}MoveBytes`]: median(moves.map(({ bytes }) => bytes)),
  };
}

async function run(target: Target): Promise<Metrics> {
  const snapshot = await crowd(target, "snapshot");
  await pause(AFTERMATH_MS); // until the server has removed the first crowd
  return { ...snapshot, ...(await crowd(target, "diff")) };
}

const joins = CLIENTS.toLocaleString("en-US");

export const presenceForms: Scenario = {
  name: "presenceForms",
  targets: SERVICE_ONLY,
  rows: [
    { metric: "snapshotMs", label: `Presence storm of ${joins} joins, by snapshots: time`, unit: "ms" },
    { metric: "snapshotBytes", label: "… received by all", unit: "bytes" },
    { metric: "snapshotMoveMs", label: "… then one of them moves: time until all know", unit: "ms" },
    { metric: "snapshotMoveBytes", label: "… received by all", unit: "bytes" },
    { metric: "diffMs", label: `Presence storm of ${joins} joins, by difference: time`, unit: "ms" },
    { metric: "diffBytes", label: "… received by all", unit: "bytes" },
    { metric: "diffMoveMs", label: "… then one of them moves: time until all know", unit: "ms" },
    { metric: "diffMoveBytes", label: "… received by all", unit: "bytes" },
  ],
  run,
};
