import { v4 as uuid } from "uuid";
import type { HistoryPage } from "../../src/protocol/answers";
import {
  EVENTS,
  type ChatMessage,
  type DataEnvelope,
  type HistoricalMessage,
  type MessageReceipt,
  type Resumed,
} from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import type { ErrorEnvelope } from "../../src/protocol/refusals";
import { numbers } from "./numbers";
import { COOKING } from "./rooms";
import { TestClient, type TestClientOptions } from "./testClient";

/** A valid message, changed by `overrides`. */
export function newMessage(overrides: Partial<NewMessage> = {}): NewMessage {
  return { username: "ana", message: "hello", uuid: uuid(), chatRoom: COOKING, ...overrides };
}

/** Sends a message with a callback; resolves with the answer, a refusal included. */
export async function ask(
  client: TestClient,
  message: unknown,
): Promise<DataEnvelope<MessageReceipt> | ErrorEnvelope> {
  const [answer] = await client.ask(EVENTS.newMessage, message);
  return answer as DataEnvelope<MessageReceipt> | ErrorEnvelope;
}

/** Sends a message with a callback; resolves with its receipt, rejects with the refusal. */
export async function sendAcked(
  client: TestClient,
  overrides: Partial<NewMessage> = {},
): Promise<MessageReceipt> {
  const { data, error } = await ask(client, newMessage(overrides));
  if (error !== null) throw new Error(`${String(error.status)} ${error.message}`);
  return data;
}

/** Sends messages with the texts 0, 1, 2 …, which are stored in this order; resolves with their offsets. */
export async function sendNumbered(
  client: TestClient,
  count: number,
  overrides: Partial<NewMessage> = {},
): Promise<string[]> {
  const sent = numbers(count).map((message) => sendAcked(client, { message, ...overrides }));
  return (await Promise.all(sent)).map(({ offset }) => offset);
}

/** One page of history; `query` as in `?limit=1`. Rejects with the refusal. */
export async function historyPage(url: string, room: string, query = ""): Promise<HistoryPage> {
  const response = await fetch(`${url}/rooms${room}/messages${query}`);
  const { data, error } = (await response.json()) as DataEnvelope<HistoryPage> | ErrorEnvelope;
  if (error !== null) throw new Error(`${String(response.status)} ${error.message}`);
  return data;
}

/** All stored messages of a room, oldest first, read in pages from the newest backwards. */
export async function wholeHistory(url: string, room = "/cooking"): Promise<HistoricalMessage[]> {
  const pages: HistoricalMessage[][] = [];
  let before: string | null = null;
  do {
    const query: string = before === null ? "" : `&before=${before}`;
    const page = await historyPage(url, room, `?limit=200${query}`);
    pages.unshift(page.messages);
    if (page.before !== null && page.messages.length === 0)
      throw new Error("an empty page of history that is not the last one");
    ({ before } = page);
  } while (before !== null);
  return pages.flat();
}

/** Connects with `auth.resume`. */
export function connectResuming(
  url: string,
  resume: unknown,
  options: TestClientOptions = {},
): Promise<TestClient> {
  return TestClient.connect(url, { ...options, auth: { resume } });
}

/** Waits for `resumed`, checks its shape and resolves with what it says of each room. */
export async function resumedRooms(client: TestClient): Promise<Resumed["rooms"]> {
  const [args] = await client.waitForArguments(EVENTS.resumed);
  expect(args).toHaveLength(1);
  const [envelope] = args as [DataEnvelope<Resumed>];
  expect(envelope.error).toBeNull();
  expect(Object.keys(envelope.data)).toEqual(["rooms"]);
  return envelope.data.rooms;
}

/** Text and offset of room events as they arrived. */
export function textsAndOffsets(arrivals: unknown[][]): [string, unknown][] {
  return arrivals.map(([envelope, offset]) => [(envelope as DataEnvelope<ChatMessage>).data.message, offset]);
}

export function texts(arrivals: unknown[][]): string[] {
  return textsAndOffsets(arrivals).map(([text]) => text);
}
