import type { Given } from "../../schemas/generate/dialogue";
import { Authenticator } from "../../src/access/authenticator";
import { App } from "../../src/app";
import { loadConfig } from "../../src/config";
import { EmbeddedMessageLog } from "../../src/messageLog/embedded/embeddedMessageLog";
import { StoreError } from "../../src/messageLog/messageLog";
import { Rooms } from "../../src/protocol/rooms";
import { afterThisTest } from "./disposal";
import { logInto, startService } from "./service";
import { temporaryDirectory } from "./temporaryDirectory";
import { until } from "./until";

/** Brings a condition about, until the end of the test. */
const CAUSES: Record<NonNullable<Given["circumstance"]>, () => unknown> = {
  fullDisk: () => jest.spyOn(EmbeddedMessageLog.prototype, "append").mockRejectedValue(new StoreError()),
  fault: () => {
    for (const method of ["get", "list"] as const)
      jest.spyOn(Rooms.prototype, method).mockImplementation(() => {
        throw new Error("a fault");
      });
  },
  starting: () => jest.spyOn(EmbeddedMessageLog.prototype, "start").mockReturnValue(new Promise(() => {})),
  lateTimer: () => {
    const { verify } = Authenticator.prototype;
    const spy = jest.spyOn(Authenticator.prototype, "verify");
    spy.mockImplementation(async function (this: Authenticator, token) {
      const dates = [Infinity]; // what the timer sees; all later checks see a date in the past
      const identity = await verify.call(this, token);
      return Object.defineProperty(identity, "expiresAt", { get: () => dates.pop() ?? 0 });
    });
  },
};

/** Starts the service as an example requires it; resolves with its URL. */
export async function startGiven({ settings = {}, circumstance }: Given): Promise<string> {
  afterThisTest(() => jest.restoreAllMocks());
  if (circumstance) CAUSES[circumstance]();
  if (circumstance !== "starting") return (await startService(settings)).url;
  const logs: Record<string, unknown>[] = [];
  const app = new App(loadConfig({ PORT: "0", DATA_DIR: temporaryDirectory(), ...settings }), logInto(logs));
  afterThisTest(() => app.stop());
  void app.start(); // does not resolve
  await until("it listens", () => logs.length > 0);
  return String(logs.at(-1)?.url);
}
