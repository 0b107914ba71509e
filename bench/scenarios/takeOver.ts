/** Kills a node (SIGKILL). Measures when the other node serves its client, and when the client's presence is gone. */
import { io, type Socket } from "socket.io-client";
import type { RunningServer } from "../process/target";
import { COOKING } from "../rooms";
import { TWO_NODES, type Metrics, type Scenario } from "./scenario";

interface Snapshot {
  data: { usersPerRoom: Record<string, { username: string }[]> };
}

async function run(): Promise<Metrics> {
  return Promise.resolve({});
}

async function afterRun({ target, killNode }: RunningServer): Promise<Metrics> {
  const connect = (port = target.port) =>
    io(`http://127.0.0.1:${port}`, { transports: ["websocket"], forceNew: true, auth: { resume: {} } });
  const witness = connect(target.otherPort);
  await received(witness, "resumed");
  const client = connect();
  await received(client, "resumed");
  client.emit("new_presence_information", { username: "killed", avatar: "", currentRoom: COOKING });
  await presenceIs(witness, true);

  killNode?.();
  const killedAt = performance.now();
  await received(client, "disconnect");
  client.disconnect();
  const again = connect(target.otherPort);
  await received(again, "resumed");
  const message = { message: "hello", username: "killed", uuid: "1", chatRoom: COOKING };
  await again.emitWithAck("new_message", message);
  const servedMs = performance.now() - killedAt;
  await presenceIs(witness, false);
  const presenceGoneMs = performance.now() - killedAt;
  for (const socket of [witness, again]) socket.disconnect();
  return { servedMs, presenceGoneMs };
}

function received(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

/** Resolves once the room has users, or none. */
function presenceIs(witness: Socket, isPresent: boolean): Promise<void> {
  return new Promise((resolve) => {
    const onPresence = ({ data }: Snapshot): void => {
      if ((data.usersPerRoom[COOKING.name]?.length ?? 0) > 0 !== isPresent) return;
      witness.off("presence_information", onPresence);
      resolve();
    };
    witness.on("presence_information", onPresence);
  });
}

export const takeOver: Scenario = {
  name: "takeOver",
  targets: TWO_NODES,
  rows: [
    {
      metric: "servedMs",
      label: "kill -9 of a node until its client's message is acked elsewhere",
      unit: "ms",
    },
    { metric: "presenceGoneMs", label: "kill -9 of a node until its clients' presence is gone", unit: "ms" },
  ],
  run,
  afterRun,
};
