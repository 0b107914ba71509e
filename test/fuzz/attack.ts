import { once } from "node:events";
import { io, type Socket } from "socket.io-client";
import { WebSocket } from "ws";
import type { Random } from "../support/random";
import { mutatedFrame } from "./mutate";

const FRAMES_PER_CONNECTION = 40;
const CONNECTIONS_AT_ONCE = 20;
const PATIENCE = 1_000; // ms for a message between honest clients, whatever goes on beside them
const MARKER = "canary";

/** Sends mutated frames over many short connections, websocket and polling, while two honest clients chat. */
export async function attack(url: string, frames: number, random: Random): Promise<void> {
  const [talker, listener] = await Promise.all([canary(url), canary(url)]);
  try {
    for (let sent = 0; sent < frames; sent += CONNECTIONS_AT_ONCE * FRAMES_PER_CONNECTION) {
      await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, () => connectAndSend(url, random)));
      await chat(talker, listener, `${MARKER} ${String(sent)}`);
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
  socket.on("error", () => undefined); // the server may well hang up on this
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
  const body = ["40", ...frames.map(String)].join("\u001e").slice(0, 60_000);
  await fetch(`${base}&sid=${sid}`, { method: "POST", body }).catch(() => undefined);
  await fetch(`${base}&sid=${sid}`, { method: "POST", body: "1" }).catch(() => undefined); // the close packet
}

async function canary(url: string): Promise<Socket> {
  const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}

async function chat(talker: Socket, listener: Socket, uuid: string): Promise<void> {
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${uuid} was not heard`)), 5 * PATIENCE);
    const onHeard = ({ data }: { data: { uuid: string } }) => {
      if (data.uuid !== uuid) return;
      clearTimeout(timer);
      listener.off("/travel", onHeard);
      resolve();
    };
    listener.on("/travel", onHeard);
    const chatRoom = { label: "Traveling", name: "/travel" };
    talker.emit("new_message", { username: MARKER, message: uuid, uuid, chatRoom });
  });
  const took = performance.now() - start;
  if (took > PATIENCE) throw new Error(`${uuid} took ${took.toFixed(0)} ms`);
}
