/*
 * Two honest clients in a process of their own, so that a busy attacker does not delay them. Arguments: the interval
 * between two messages in ms, the URL to send to, the URL to listen at, and the process ids whose wait for a processor
 * does not count. For each message of its parent it sends a `CanaryReport` of the time since the last one.
 */
import { io, type Socket } from "socket.io-client";
import { v4 as uuid } from "uuid";
import { EVENTS, type DataEnvelope, type ChatMessage, type Envelope } from "../../src/protocol/events";
import { startStopwatch } from "../support/stopwatch";
import type { CanaryReport } from "./canary";

const GIVE_UP_AFTER_MS = 30_000;
const POLL_INTERVAL_MS = 10;
const ROOM = { label: "Traveling", name: "/travel" };

const [intervalMs, talkerUrl = "", listenerUrl = "", ...pids] = process.argv.slice(2);
/** uuid → when the message was sent, and a stopwatch since then */
const underWay = new Map<string, { sentAt: number; elapsedMs: () => number }>();
let report: CanaryReport = { delaysMs: [], longestMs: 0, refusals: [], isConnected: true };
let isPaused = false;

function connect(url: string): Promise<Socket> {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
  socket.on("disconnect", () => (report.isConnected = false));
  return new Promise((resolve, reject) =>
    socket.once("connect", () => resolve(socket)).once("connect_error", reject),
  );
}

function say(talker: Socket): void {
  if (isPaused || !talker.connected) return;
  const id = uuid();
  underWay.set(id, { sentAt: performance.now(), elapsedMs: startStopwatch(pids) });
  const message = { username: "canary", message: "hello", uuid: id, chatRoom: ROOM };
  talker.emit(EVENTS.newMessage, message, ({ error }: Envelope<unknown>) => {
    if (error === null) return;
    report.refusals.push(error.message);
    underWay.delete(id);
  });
}

function settle(id: string): void {
  const message = underWay.get(id);
  if (message === undefined) return;
  underWay.delete(id);
  report.delaysMs.push(message.elapsedMs());
  report.longestMs = Math.max(report.longestMs, performance.now() - message.sentAt);
}

/** Waits for the messages under way, sends the report, and begins the next one. */
async function sendReport(): Promise<void> {
  isPaused = true;
  const start = performance.now();
  while (underWay.size > 0 && report.isConnected && performance.now() - start < GIVE_UP_AFTER_MS)
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  for (const id of [...underWay.keys()]) settle(id);
  process.send?.(report);
  report = { delaysMs: [], longestMs: 0, refusals: [], isConnected: report.isConnected };
  isPaused = false;
}

async function main(): Promise<void> {
  process.on("disconnect", () => process.exit());
  const [talker, listener] = await Promise.all([connect(talkerUrl), connect(listenerUrl)]);
  listener.on(ROOM.name, ({ data }: DataEnvelope<ChatMessage>) => settle(data.uuid));
  process.on("message", () => void sendReport());
  setInterval(() => say(talker), Number(intervalMs));
  process.send?.("ready");
}

main().catch((error: unknown) => {
  process.stderr.write(`canary: ${String(error)}\n`);
  process.exit(1);
});
