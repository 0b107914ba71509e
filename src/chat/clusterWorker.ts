import { ServerResponse } from "node:http";
import { setupWorker } from "@socket.io/sticky";
import type { Server } from "socket.io";
import { isHandshake, type ChatIo, type EngineRequest, type EngineResponse } from "./engine";

/** Takes connections from the primary process, which hands all of a polling session to the same worker. */
export function connectToPrimary(io: ChatIo): void {
  setupWorker(io as unknown as Server); // its types leave the events open
  io.engine.use((req: EngineRequest, res: EngineResponse, next: () => void) => {
    if (res instanceof ServerResponse && isHandshake(req)) answerInNextTurn(res);
    next();
  });
}

/** A client that has read the answer may ask again before the primary has heard whose the session is. */
function answerInNextTurn(res: ServerResponse): void {
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
  res.end = (...args: unknown[]) => {
    setImmediate(() => end(...args));
    return res;
  };
}
