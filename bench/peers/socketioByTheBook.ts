/** Peer: the chat as Socket.IO's own guide would have it, one `io.to(room).emit()` for each event. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { isNewMessage, isNewPresence, messageEnvelope, PresenceMap } from "./peerChat";

const EVERYBODY = "everybody";

const httpServer = createServer();
const io = new Server(httpServer, { serveClient: false });
const presence = new PresenceMap<string>();

function broadcastPresence(): void {
  io.to(EVERYBODY).emit("presence_information", presence.envelope());
}

io.on("connection", (socket) => {
  void socket.join(EVERYBODY);

  socket.on("new_message", (payload: unknown) => {
    if (!isNewMessage(payload)) return;
    io.to(EVERYBODY).emit(payload.chatRoom.name, messageEnvelope(payload));
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
