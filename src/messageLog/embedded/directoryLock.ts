import { once } from "node:events";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join, relative } from "node:path";
import { StoreError } from "../messageLog";

const MAX_SOCKET_PATH_BYTES = 100; // the limits of the systems lie between 104 and 108

/**
 * Keeps a second process out of a directory, which is created if it is missing. Resolves with the function that
 * releases it. Rejects with a StoreError when another process holds it, or when it cannot be used.
 *
 * The lock is a listening Unix socket, which cannot outlive its process: after kill -9 its file remains, but no process
 * listens on it. A file with a process number would not do: containers that share a volume use the same numbers.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  try {
    mkdirSync(directory, { recursive: true });
    const absolute = join(directory, "lock");
    const fromHere = relative(process.cwd(), absolute);
    const path = fromHere.length < absolute.length ? fromHere : absolute;
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
      throw new StoreError(`the path ${absolute} is too long for a lock`);
    const server = (await listen(path)) ?? (await takeOver(path));
    if (server === undefined) throw new StoreError(`${directory} is in use by another process`);
    server.unref();
    return async () => void (await once(server.close(), "close")); // also removes the socket file
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError(`${directory} cannot be used: ${(error as Error).message}`);
  }
}

/** Resolves with undefined when a file already exists at the path. */
async function listen(path: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
}

/** Resolves with undefined when a living process listens, or another one takes over at the same time. */
async function takeOver(path: string): Promise<Server | undefined> {
  const socket = connect(path);
  const connected = await once(socket, "connect").catch(() => undefined);
  socket.destroy();
  if (connected !== undefined) return undefined;
  const aside = `${path}.${String(process.pid)}`;
  renameSync(path, aside); // of two processes that find the dead socket at once, only one can do this
  rmSync(aside);
  return listen(path);
}
