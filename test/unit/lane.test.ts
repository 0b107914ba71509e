import { ChatClientError } from "../../src/client/chatClientError";
import { Lane } from "../../src/client/lane";
import type { MessageReceipt } from "../../src/protocol/events";
import type { NewMessage } from "../../src/protocol/payloads";
import { historicalMessage } from "../support/historicalMessage";

const RETRIES = { firstMs: 100, maxMs: 1_000, isRetryable: (error: ChatClientError) => error.isTransient };
const BUSY = new ChatClientError("Too many requests", 429);
const NOT_VALID = new ChatClientError("Incoming message is not valid", 404);

interface Call {
  uuid: string;
  resolve: (receipt: MessageReceipt) => void;
  reject: (error: ChatClientError) => void;
}

function message(number: number): NewMessage {
  const { username, message, uuid, chatRoom } = historicalMessage(number);
  return { username, message, uuid, chatRoom };
}

function receipt(number: number, duplicate = false): MessageReceipt {
  const { uuid, serverTimestamp, offset } = historicalMessage(number);
  return { uuid, serverTimestamp, offset, duplicate };
}

/** An open lane, and the calls that it made. */
function openLane(): { lane: Lane; calls: Call[]; sent: () => string[] } {
  const calls: Call[] = [];
  const send = ({ uuid }: NewMessage) =>
    new Promise<MessageReceipt>((resolve, reject) => calls.push({ uuid, resolve, reject }));
  const lane = new Lane(send, RETRIES);
  lane.open();
  return { lane, calls, sent: () => calls.map(({ uuid }) => uuid.replace("uuid ", "")) };
}

const settled = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test("the next message is sent when the one before is stored", async () => {
  const { lane, calls, sent } = openLane();
  const results = Promise.all([lane.push(message(1)), lane.push(message(2))]);
  expect(sent()).toEqual(["1"]);
  calls[0]?.resolve(receipt(1));
  await settled();
  expect(sent()).toEqual(["1", "2"]);
  calls[1]?.resolve(receipt(2));
  expect(await results).toEqual([receipt(1), receipt(2)]);
  expect(lane.isEmpty).toBe(true);
});

test("a refused message rejects, and the next one is sent", async () => {
  const { lane, calls, sent } = openLane();
  const refused = expect(lane.push(message(1))).rejects.toBe(NOT_VALID);
  void lane.push(message(2));
  calls[0]?.reject(NOT_VALID);
  await refused;
  expect(sent()).toEqual(["1", "2"]);
});

test("a retryable failure is tried again with growing delays, and the next message waits", async () => {
  const { lane, calls, sent } = openLane();
  const stored = lane.push(message(1));
  void lane.push(message(2));
  calls[0]?.reject(BUSY);
  await jest.advanceTimersByTimeAsync(99);
  expect(sent()).toEqual(["1"]);
  await jest.advanceTimersByTimeAsync(1);
  expect(sent()).toEqual(["1", "1"]);
  calls[1]?.reject(BUSY);
  await jest.advanceTimersByTimeAsync(199);
  expect(sent()).toHaveLength(2);
  await jest.advanceTimersByTimeAsync(1);
  calls[2]?.resolve(receipt(1));
  expect(await stored).toEqual(receipt(1));
  expect(sent()).toEqual(["1", "1", "1", "2"]);
});

test("a paused lane sends nothing, and `open` ends the wait for a retry", async () => {
  const { lane, calls, sent } = openLane();
  void lane.push(message(1));
  lane.pause();
  calls[0]?.reject(new ChatClientError("the connection is lost"));
  await jest.advanceTimersByTimeAsync(10_000);
  expect(sent()).toEqual(["1"]);
  lane.open();
  expect(sent()).toEqual(["1", "1"]);
  calls[1]?.reject(new ChatClientError("the connection is lost"));
  await settled();
  lane.open();
  expect(sent()).toEqual(["1", "1", "1"]);
});

test("a message that is in flight when the lane is opened again is not sent twice at once", async () => {
  const { lane, calls, sent } = openLane();
  void lane.push(message(1));
  lane.pause();
  lane.open();
  expect(sent()).toEqual(["1"]);
  calls[0]?.reject(BUSY);
  await jest.advanceTimersByTimeAsync(100);
  expect(sent()).toEqual(["1", "1"]);
});

test("a message that was received counts as stored when its ack does not arrive", async () => {
  const { lane, calls, sent } = openLane();
  const stored = lane.push(message(1));
  lane.acknowledge(historicalMessage(1));
  calls[0]?.reject(new ChatClientError("operation has timed out"));
  expect(await stored).toEqual(receipt(1, true));
  expect(sent()).toEqual(["1"]);
});

test("the ack is preferred to the receipt of the received message", async () => {
  const { lane, calls } = openLane();
  const stored = lane.push(message(1));
  lane.acknowledge(historicalMessage(1));
  calls[0]?.resolve(receipt(1));
  expect(await stored).toEqual(receipt(1));
});

test("a message that is received while it waits for a retry is not sent again", async () => {
  const { lane, calls, sent } = openLane();
  const stored = lane.push(message(1));
  void lane.push(message(2));
  calls[0]?.reject(BUSY);
  await settled();
  lane.acknowledge(historicalMessage(1));
  expect(await stored).toEqual(receipt(1, true));
  expect(sent()).toEqual(["1", "2"]);
});

test("a message of another user under the same uuid, or one that is not the first, is no proof", async () => {
  const { lane, calls, sent } = openLane();
  void lane.push(message(1));
  void lane.push(message(2));
  lane.acknowledge(historicalMessage(1, { username: "bo" }));
  lane.acknowledge(historicalMessage(2));
  calls[0]?.reject(BUSY);
  await jest.advanceTimersByTimeAsync(100);
  expect(sent()).toEqual(["1", "1"]);
});

test("`close` rejects every message, and a late answer or retry changes nothing", async () => {
  const { lane, calls, sent } = openLane();
  const closed = new ChatClientError("Client is closed");
  const rejected = [1, 2].map((number) => expect(lane.push(message(number))).rejects.toBe(closed));
  lane.close(closed);
  await Promise.all(rejected);
  calls[0]?.reject(BUSY);
  await settled();
  expect(jest.getTimerCount()).toBe(0);
  expect(sent()).toEqual(["1"]);
  expect(lane.isEmpty).toBe(true);
});
