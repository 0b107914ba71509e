/** Peer: the chat as in Socket.IO's guide, with one `io.to(room).emit()` per event. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { isNewMessage, isNewPresence, messageEnvelope, PresenceMap } from "./peerChat";

const ALL_CLIENTS = "all clients";

const httpServer = createServer();
const io = new Server(httpServer, { serveClient: false });
const presence = new PresenceMap<string>();

function broadcastPresence(): void {
  io.to(ALL_CLIENTS).emit("presence_information", presence.envelope());
}

io.on("connection", (socket) => {
  void socket.join(ALL_CLIENTS);

  socket.on("new_message", (payload: unknown) => {
    if (!isNewMessage(payload)) return;
    io.to(ALL_CLIENTS).emit(payload.chatRoom.name, messageEnvelope(payload));
  });

  socket.on("new_presence_information", (payload: unknown) => {
    if (!isNewPresence(payload)) return;
    if (presence.set(socket.id, payload)) broadcastPresence();
  });

  socket.on("disconnect", () => {
    if (presence.delete(socket.id)) broadcastPresence();
  });
});

httpServer.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening ${(httpServer.address() as AddressInfo).port}`);
});
