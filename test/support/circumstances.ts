import type { Circumstance } from "../../schemas/generate/dialogue";
import { Authenticator } from "../../src/access/authenticator";
import { Rooms } from "../../src/protocol/rooms";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { ask, newMessage } from "./chat";
import { afterThisTest } from "./disposal";
import { freePort } from "./freePort";
import { startService } from "./service";
import { smallDisk } from "./smallDisk";
import { TestClient } from "./testClient";
import { until } from "./until";

type Start = (settings: Record<string, string>) => Promise<string>;

interface Given {
  settings?: Record<string, string>;
  circumstance?: Circumstance | "none";
}

const START: Record<Circumstance | "none", Start> = {
  none: async (settings) => (await startService(settings)).url,
  fullDisk: async (settings) => {
    const disk = smallDisk();
    const { url } = await startService({ ...settings, DATA_DIR: disk.directory });
    disk.fill();
    afterThisTest(async () => {
      disk.free();
      // What LMDB has to say of the failure it says before the next message is stored.
      const client = await TestClient.connect(url);
      const isStored = async () => (await ask(client, newMessage())).error === null;
      await until("messages are stored again", isStored);
    });
    return url;
  },
  fault: async (settings) => {
    const { url } = await startService(settings);
    for (const method of ["get", "list"] as const) {
      const fault = jest.spyOn(Rooms.prototype, method).mockImplementation(() => {
        throw new Error("a fault");
      });
      afterThisTest(() => fault.mockRestore());
    }
    return url;
  },
  late: async (settings) => {
    const { verify } = Authenticator.prototype;
    const spy = jest.spyOn(Authenticator.prototype, "verify").mockImplementation(async function (
      this: Authenticator,
      token,
    ) {
      const expiries = [Infinity]; // as the timer reads it; from then on it is long ago
      const identity = await verify.call(this, token);
      return Object.defineProperty(identity, "expiresAt", { get: () => expiries.pop() ?? 0 });
    });
    afterThisTest(() => spy.mockRestore());
    return (await startService(settings)).url;
  },
  starting: async (settings) => {
    const port = String(await freePort()); // start() tells the port only when it is through
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const start = EmbeddedMessageLog.prototype.start;
    const spy = jest.spyOn(EmbeddedMessageLog.prototype, "start").mockImplementation(async function (
      this: EmbeddedMessageLog,
      ...args
    ) {
      await opened;
      return start.apply(this, args);
    });
    const started = startService({ ...settings, PORT: port });
    afterThisTest(async () => {
      open();
      await started;
      spy.mockRestore();
    });
    const url = `http://localhost:${port}`;
    await until("it listens", () => fetch(`${url}/healthz`).then(({ ok }) => ok, () => false)); // prettier-ignore
    return url;
  },
};

/** Starts the service as an example wants it; resolves with its URL. */
export function startGiven({ settings = {}, circumstance = "none" }: Given): Promise<string> {
  return START[circumstance](settings);
}
