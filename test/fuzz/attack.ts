import { once } from "node:events";
import { io, type Socket } from "socket.io-client";
import { WebSocket } from "ws";
import type { Random } from "../support/random";
import { startStopwatch } from "../support/stopwatch";
import { mutatedFrame } from "./mutate";

const FRAMES_PER_CONNECTION = 40;
const CONNECTIONS_AT_ONCE = 20;
/** The service's promise for a message between two honest clients. */
const DELIVERED_WITHIN_MS = 1_000;
const GIVE_UP_AFTER_MS = 10_000;
const MAX_POST_LENGTH = 60_000; // characters; less than the service accepts
const CANARY = "canary";

/**
 * Sends mutated frames over many short connections, websocket and polling, while two honest clients chat. Rejects
 * when a message between these two does not arrive in time.
 */
export async function attack(url: string, frames: number, random: Random): Promise<void> {
  const [talker, listener] = await Promise.all([canary(url), canary(url)]);
  try {
    for (let sent = 0; sent < frames; sent += CONNECTIONS_AT_ONCE * FRAMES_PER_CONNECTION) {
      await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, () => connectAndSend(url, random)));
      await chat(talker, listener, `${CANARY} ${String(sent)}`);
    }
  } finally {
    talker.disconnect();
    listener.disconnect();
  }
}

function connectAndSend(url: string, random: Random): Promise<void> {
  const frames = Array.from({ length: FRAMES_PER_CONNECTION }, () => mutatedFrame(random));
  const isOld = random.between(0, 3) === 0;
  return random.between(0, 3) === 0 ? poll(url, frames) : overWebSocket(url, frames, isOld ? 3 : 4);
}

async function overWebSocket(url: string, frames: (string | Buffer)[], protocol: 3 | 4): Promise<void> {
  const socket = new WebSocket(
    `${url.replace("http", "ws")}/socket.io/?EIO=${String(protocol)}&transport=websocket`,
  );
  socket.on("error", () => undefined); // the server may close this connection
  socket.on("open", () => {
    if (protocol === 4) socket.send("40");
    for (const frame of frames) socket.send(frame);
    socket.close();
  });
  await once(socket, "close");
}

async function poll(url: string, frames: (string | Buffer)[]): Promise<void> {
  const base = `${url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string };
  const body = ["40", ...frames.map(String)].join("\u001e").slice(0, MAX_POST_LENGTH);
  await fetch(`${base}&sid=${sid}`, { method: "POST", body }).catch(() => undefined);
  await fetch(`${base}&sid=${sid}`, { method: "POST", body: "1" }).catch(() => undefined); // the close packet
}

async function canary(url: string): Promise<Socket> {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}

async function chat(talker: Socket, listener: Socket, uuid: string): Promise<void> {
  const elapsedMs = startStopwatch();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${uuid} did not arrive`)), GIVE_UP_AFTER_MS);
    const onMessage = ({ data }: { data: { uuid: string } }) => {
      if (data.uuid !== uuid) return;
      clearTimeout(timer);
      listener.off("/travel", onMessage);
      resolve();
    };
    listener.on("/travel", onMessage);
    const chatRoom = { label: "Traveling", name: "/travel" };
    talker.emit("new_message", { username: CANARY, message: uuid, uuid, chatRoom });
  });
  const deliveryMs = elapsedMs();
  if (deliveryMs > DELIVERED_WITHIN_MS) throw new Error(`${uuid} took ${deliveryMs.toFixed(0)} ms`);
}
