import { setTimeout as pause } from "node:timers/promises";
import { textFrame } from "../../bench/client/clientFrames";
import { EVENTS } from "../../src/protocol/events";
import { range } from "../support/numbers";
import { AttackClient } from "./attackClient";
import { createBacking, startScene, watch, type Attack } from "./scene";

const CLIENTS = 200;
const ATTACHMENTS = 10; // the most that Socket.IO accepts; the last one is never sent
const ATTACHMENT_BYTES = 65_000; // a frame may have 64 KiB
const DURATIONS_MS = { full: 5_000, small: 2_000 };
const MAX_GROWTH_BYTES = 100e6;

/** Events whose binary attachments never become complete. */
export const binary: Attack = {
  name: "binary",
  stores: ["embedded"],
  async run({ store, size, outcome }) {
    const scene = await startScene(await createBacking(store));
    const attachments = Buffer.concat(range(ATTACHMENTS - 1).map(() => binaryFrame(ATTACHMENT_BYTES)));
    await watch(scene, outcome, { serverGrowthBytes: MAX_GROWTH_BYTES }, async () => {
      const clients = range(CLIENTS).map(() => new AttackClient(scene.port));
      await Promise.all(clients.map(({ connected }) => connected));
      for (const client of clients) {
        client.send(`45${String(ATTACHMENTS)}-["${EVENTS.newMessage}",{"_placeholder":true,"num":0}]`);
        client.socket.write(attachments);
      }
      await pause(DURATIONS_MS[size]);
      for (const client of clients) client.end();
    });
  },
};

function binaryFrame(bytes: number): Buffer {
  const frame = textFrame("x".repeat(bytes));
  frame[0] = 0x82; // FIN, opcode binary (RFC 6455, section 5.2)
  return frame;
}
