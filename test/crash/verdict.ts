import type { ErrorEnvelope } from "../../src/protocol/refusals";
import type { DataEnvelope, HistoricalMessage, HistoryPage } from "../../src/protocol/events";
import { differences, type Recorder } from "../support/recorder";
import type { RetryingSender } from "./retryingSender";

export type Logs = ReadonlyMap<string, readonly HistoricalMessage[]>;

/** All that the rooms keep, oldest first, as history shows it. */
export async function readLogs(url: string, rooms: readonly string[]): Promise<Logs> {
  const logs = new Map<string, HistoricalMessage[]>();
  for (const room of rooms) {
    const pages: HistoricalMessage[][] = [];
    for (let before: string | null = ""; before !== null;) {
      const query = before === "" ? "" : `&before=${before}`;
      const response = await fetch(`${url}/rooms${room}/messages?limit=200${query}`);
      const { data, error } = (await response.json()) as DataEnvelope<HistoryPage> | ErrorEnvelope;
      if (error !== null) throw new Error(`history${query} of ${room}: ${JSON.stringify(error)}`);
      pages.unshift(data.messages);
      ({ before } = data);
    }
    logs.set(room, pages.flat());
  }
  return logs;
}

/** What of RELIABILITY's first promise was broken, in words. */
export function violationsOf(
  logs: Logs,
  senders: readonly RetryingSender[],
  recorders: readonly Recorder[],
): string[] {
  const places = new Map<string, { room: string; index: number; message: HistoricalMessage }>();
  const wrong: string[] = [];
  for (const [room, messages] of logs) {
    for (const [index, message] of messages.entries()) {
      if (places.has(message.uuid)) wrong.push(`${message.uuid} is stored twice`);
      places.set(message.uuid, { room, index, message });
    }
  }
  const sent = new Map(senders.flatMap((sender) => [...sender.sent]));
  for (const [uuid, { room, message }] of places) {
    const original = sent.get(uuid);
    if (original?.message !== message.message || original.chatRoom.name !== room)
      wrong.push(`${uuid} is not what was sent`);
  }
  for (const sender of senders) {
    for (const [uuid, { offset, serverTimestamp }] of sender.acked) {
      const stored = places.get(uuid)?.message;
      if (stored === undefined) wrong.push(`${uuid} was acked and is lost`);
      else if (stored.offset !== offset || stored.serverTimestamp !== serverTimestamp)
        wrong.push(`${uuid} is not where its receipt says`);
    }
    wrong.push(...sender.violations, ...sender.lanes.flatMap((lane) => disorder(lane, places)));
  }
  for (const recorder of recorders) {
    wrong.push(...recorder.violations.map((what) => `${recorder.name}: ${what}`));
    for (const [room, log] of logs) wrong.push(...differences(recorder, room, log));
  }
  return wrong;
}

/** Messages of one room that were sent one after the other's ack, and stand in another order. */
function disorder(
  lane: readonly string[],
  places: ReadonlyMap<string, { room: string; index: number }>,
): string[] {
  const last = new Map<string, number>();
  return lane.flatMap((uuid) => {
    const place = places.get(uuid);
    if (place === undefined) return [];
    const before = last.get(place.room) ?? -1;
    last.set(place.room, place.index);
    return place.index > before ? [] : [`${uuid} stands before what was sent and acked earlier`];
  });
}
