/** Peer: the same chat on bare `ws`. A frame is the JSON text of `[event, payload]`, stringified once per event. */
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import { isNewMessage, isNewPresence, messageEnvelope, PresenceMap } from "./peerChat";

const wss = new WebSocketServer({ port: Number(process.env.PORT ?? 0), host: "127.0.0.1" });
const presence = new PresenceMap<WebSocket>();

function broadcast(event: string, envelope: object): void {
  const text = JSON.stringify([event, envelope]);
  for (const client of wss.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(text);
  }
}

function parse(data: RawData): unknown[] {
  try {
    const packet: unknown = JSON.parse(data.toString());
    return Array.isArray(packet) ? packet : [];
  } catch {
    return [];
  }
}

wss.on("connection", (client) => {
  client.on("message", (data) => {
    const [event, payload] = parse(data);
    if (event === "new_message" && isNewMessage(payload)) {
      broadcast(payload.chatRoom.name, messageEnvelope(payload));
    } else if (event === "new_presence_information" && isNewPresence(payload)) {
      if (presence.set(client, payload)) broadcast("presence_information", presence.envelope());
    }
  });

  client.on("close", () => {
    if (presence.delete(client)) broadcast("presence_information", presence.envelope());
  });
});

wss.on("listening", () => {
  console.log(`listening ${(wss.address() as AddressInfo).port}`);
});
