import { once } from "node:events";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join, relative } from "node:path";
import { StoreError } from "../messageLog";

const MAX_SOCKET_PATH_BYTES = 100; // the limits of the systems lie between 104 and 108

/**
 * Keeps a second process out of a directory. The lock is a listening Unix socket, which cannot outlive its process:
 * after kill -9 its file remains, but no process listens on it. A file with a process number would not do, because
 * containers that share a volume use the same numbers.
 */
export class DirectoryLock {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Creates the directory if it is missing. Rejects with a StoreError when another process holds the lock, or when
   * the directory cannot be used.
   */
  static async acquire(directory: string): Promise<DirectoryLock> {
    try {
      mkdirSync(directory, { recursive: true });
      const path = socketPath(directory);
      const server = (await listen(path)) ?? (await takeOver(path, directory));
      server.unref();
      return new DirectoryLock(server);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(`${directory} cannot be used: ${(error as Error).message}`);
    }
  }

  /** Closes the server, which also removes its socket file. */
  async release(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }
}

function socketPath(directory: string): string {
  const absolute = join(directory, "lock");
  const fromHere = relative(process.cwd(), absolute);
  const path = fromHere.length < absolute.length ? fromHere : absolute;
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
    throw new StoreError(`the path ${absolute} is too long for a lock`);
  return path;
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

/** Renames the socket of a dead process first: of two processes that find it at once, only one can. */
async function takeOver(path: string, directory: string): Promise<Server> {
  const inUse = new StoreError(`${directory} is in use by another process`);
  if (await hasListener(path)) throw inUse;
  const aside = `${path}.${String(process.pid)}`;
  renameSync(path, aside);
  rmSync(aside);
  const server = await listen(path);
  if (server === undefined) throw inUse;
  return server;
}

async function hasListener(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
