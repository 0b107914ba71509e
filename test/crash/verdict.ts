import type { HistoricalMessage } from "../../src/protocol/events";
import { wholeHistory } from "../support/chat";
import { differences, type Recorder } from "../support/recorder";
import type { RetryingSender } from "./retryingSender";

/** Room → its stored messages, oldest first. */
export type Logs = ReadonlyMap<string, readonly HistoricalMessage[]>;

interface Place {
  room: string;
  /** Position in the room's log. */
  index: number;
  message: HistoricalMessage;
}

/** Reads the logs of the rooms from history. */
export async function readLogs(url: string, rooms: readonly string[]): Promise<Logs> {
  const logs = new Map<string, HistoricalMessage[]>();
  for (const room of rooms) logs.set(room, await wholeHistory(url, room));
  return logs;
}

/** How the logs break the promise "acked means kept, once and in order", in words; empty when they keep it. */
export function violationsOf(
  logs: Logs,
  senders: readonly RetryingSender[],
  recorders: readonly Recorder[],
): string[] {
  const places = new Map<string, Place>();
  const doubled = placeMessages(logs, places);
  return [
    ...doubled,
    ...unsent(places, senders),
    ...senders.flatMap((sender) => [
      ...lost(places, sender),
      ...sender.violations,
      ...sender.lanes.flatMap((lane) => outOfOrder(places, lane)),
    ]),
    ...recorders.flatMap((recorder) => [
      ...recorder.violations.map((what) => `${recorder.name}: ${what}`),
      ...[...logs].flatMap(([room, log]) => differences(recorder, room, log)),
    ]),
  ];
}

/** Fills `places` by uuid; returns the messages that are stored twice. */
function placeMessages(logs: Logs, places: Map<string, Place>): string[] {
  const wrong: string[] = [];
  for (const [room, messages] of logs) {
    for (const [index, message] of messages.entries()) {
      if (places.has(message.uuid)) wrong.push(`${message.uuid} is stored twice`);
      places.set(message.uuid, { room, index, message });
    }
  }
  return wrong;
}

/** Stored messages that differ from what was sent under their uuid. */
function unsent(places: ReadonlyMap<string, Place>, senders: readonly RetryingSender[]): string[] {
  const sent = new Map(senders.flatMap((sender) => [...sender.sent]));
  return [...places].flatMap(([uuid, { room, message }]) => {
    const original = sent.get(uuid);
    const isRight = original?.message === message.message && original.chatRoom.name === room;
    return isRight ? [] : [`${uuid} is not what was sent`];
  });
}

/** Acked messages that are not stored where their receipt says. */
function lost(places: ReadonlyMap<string, Place>, { acked }: RetryingSender): string[] {
  return [...acked].flatMap(([uuid, { offset, serverTimestamp }]) => {
    const stored = places.get(uuid)?.message;
    if (stored === undefined) return [`${uuid} was acked and is lost`];
    const isRight = stored.offset === offset && stored.serverTimestamp === serverTimestamp;
    return isRight ? [] : [`${uuid} is not where its receipt says`];
  });
}

/** Messages of a lane that stand in their room before one whose ack came before they were sent. */
function outOfOrder(places: ReadonlyMap<string, Place>, lane: readonly string[]): string[] {
  const lastIndex = new Map<string, number>();
  return lane.flatMap((uuid) => {
    const place = places.get(uuid);
    if (place === undefined) return [];
    const before = lastIndex.get(place.room) ?? -1;
    lastIndex.set(place.room, place.index);
    return place.index > before ? [] : [`${uuid} stands before a message that was acked earlier`];
  });
}
