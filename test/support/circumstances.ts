import type { Given } from "../../schemas/generate/dialogue";
import { Authenticator } from "../../src/access/authenticator";
import type { Identity } from "../../src/access/identity";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { Rooms } from "../../src/protocol/rooms";
import { ask, newMessage } from "./chat";
import { afterThisTest } from "./disposal";
import { freePort } from "./freePort";
import { startService } from "./service";
import { smallDisk } from "./smallDisk";
import { TestClient } from "./testClient";
import { until } from "./until";

type Settings = Record<string, string>;

/** Starts the service with these settings under a condition; resolves with its URL. */
const START: Record<NonNullable<Given["circumstance"]>, (settings: Settings) => Promise<string>> = {
  fullDisk: async (settings) => {
    const disk = smallDisk();
    const { url } = await startService({ ...settings, DATA_DIR: disk.directory });
    disk.fill();
    afterThisTest(async () => {
      disk.free();
      // LMDB logs the failure before it stores the next message.
      const client = await TestClient.connect(url);
      const isStored = async () => (await ask(client, newMessage())).error === null;
      await until("messages are stored again", isStored);
    });
    return url;
  },
  fault: async (settings) => {
    const { url } = await startService(settings);
    for (const method of ["get", "list"] as const) {
      const spy = jest.spyOn(Rooms.prototype, method).mockImplementation(() => {
        throw new Error("a fault");
      });
      afterThisTest(() => spy.mockRestore());
    }
    return url;
  },
  lateTimer: async (settings) => {
    const spy = jest.spyOn(Authenticator.prototype, "verify"); // calls through, and keeps the results
    afterThisTest(() => spy.mockRestore());
    return (await startService(settings)).url;
  },
  starting: async (settings) => {
    const port = String(await freePort()); // startService() resolves too late to ask the service for it
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const { start } = EmbeddedMessageLog.prototype;
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

/**
 * All tokens that were verified under the circumstance `lateTimer` are expired from now on. The timers that close their
 * connections still wait for the old dates.
 */
export async function expireTokens(): Promise<void> {
  const { results } = jest.mocked(Authenticator.prototype.verify).mock;
  for (const { value } of results) Object.assign(await (value as Promise<Identity>), { expiresAt: 0 });
}

/** Starts the service as an example requires it; resolves with its URL. */
export async function startGiven({ settings = {}, circumstance }: Given): Promise<string> {
  return circumstance === undefined ? (await startService(settings)).url : START[circumstance](settings);
}
