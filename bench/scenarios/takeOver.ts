/** kill -9 of a node: when its client is served by the other one, and when its presence is gone. */
import { io, type Socket } from "socket.io-client";
import type { RunningServer } from "../process/target";
import { TWO_NODES, type Metrics, type Scenario } from "./scenario";

const ROOM = { label: "Cooking", name: "/cooking" };

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
  await heard(witness, "resumed");
  const client = connect();
  await heard(client, "resumed");
  client.emit("new_presence_information", { username: "killed", avatar: "", currentRoom: ROOM });
  await present(witness, true);

  killNode?.();
  const killedAt = performance.now();
  await heard(client, "disconnect");
  client.disconnect();
  const again = connect(target.otherPort);
  await heard(again, "resumed");
  const message = { message: "hello", username: "killed", uuid: "1", chatRoom: ROOM };
  await again.emitWithAck("new_message", message);
  const servedMs = performance.now() - killedAt;
  await present(witness, false);
  const presenceGoneMs = performance.now() - killedAt;
  for (const socket of [witness, again]) socket.disconnect();
  return { servedMs, presenceGoneMs };
}

function heard(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

function present(witness: Socket, isPresent: boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ data }: Snapshot): void => {
      if ((data.usersPerRoom[ROOM.name]?.length ?? 0) > 0 !== isPresent) return;
      witness.off("presence_information", look);
      resolve();
    };
    witness.on("presence_information", look);
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
