/** Measures how long a start takes when every room is full, after an orderly stop and after a crash. */
import { Agent } from "node:http";
import { getHistory, parsePage } from "../client/historyPage";
import { messageId } from "../client/sender";
import { writeMessages } from "../client/writeMessages";
import type { RunningServer, Target } from "../process/target";
import { ROOMS } from "../rooms";
import { SERVICE_ONLY, type Metrics, type Scenario } from "./scenario";

const MESSAGES_PER_ROOM = 10_000; // the service's default HISTORY_MAX_MESSAGES
const IN_FLIGHT_PER_ROOM = 8;
const MAX_MESSAGES_PER_PAGE = 200;

async function run(target: Target): Promise<Metrics> {
  const startedAt = performance.now();
  await Promise.all(
    ROOMS.map((room, sender) =>
      writeMessages(target, room, { count: MESSAGES_PER_ROOM, inFlight: IN_FLIGHT_PER_ROOM, sender }),
    ),
  );
  return { fillMs: performance.now() - startedAt };
}

async function afterRun({ target, restart }: RunningServer): Promise<Metrics> {
  if (restart === undefined) throw new Error("this server cannot be started again");
  const msAfterStop = await restart("SIGTERM");
  await checkRooms(target.port);
  const msAfterKill = await restart("SIGKILL");
  await checkRooms(target.port);
  return { msAfterStop, msAfterKill };
}

/** Throws unless every message of every room is stored, in order. */
async function checkRooms(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  for (const [sender, { name }] of ROOMS.entries()) {
    let due = MESSAGES_PER_ROOM;
    let query = `limit=${MAX_MESSAGES_PER_PAGE}`;
    for (
      let before: string | null = "";
      before !== null;
      query = `limit=${MAX_MESSAGES_PER_PAGE}&before=${before}`
    ) {
      const page = parsePage(await getHistory(agent, port, name, query));
      for (const { uuid } of page.messages.reverse()) {
        if (uuid !== messageId(sender, --due))
          throw new Error(`${name}: ${uuid} where message ${due} was expected`);
      }
      before = page.before;
    }
    if (due !== 0) throw new Error(`${name}: the ${due} oldest messages are missing`);
  }
  agent.destroy();
}

const messages = (ROOMS.length * MESSAGES_PER_ROOM).toLocaleString("en-US");

export const startWithFullLog: Scenario = {
  name: "startWithFullLog",
  targets: SERVICE_ONLY,
  rows: [
    { metric: "msAfterStop", label: `Start with ${messages} messages stored`, unit: "ms" },
    { metric: "msAfterKill", label: `Start with ${messages} messages stored, after kill -9`, unit: "ms" },
  ],
  run,
  afterRun,
};
