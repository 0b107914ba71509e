/*
 * Messages on the node bus as JSON: `{"uid": node id, "type": 6, "data": [kind, node id, payload]}`. Nodes of version
 * 1.0.0 exchange this form, a request of @socket.io/redis-adapter, so both versions understand each other during a
 * rolling upgrade. `uid` is for them: they skip the messages with their own.
 */

export interface NodeMessage {
  kind: string;
  nodeId: string; // of the sender
  payload: unknown; // JSON; not checked
}

const SERVER_SIDE_EMIT = 6;
const MAX_NODE_ID_LENGTH = 64;
/** Larger messages are skipped without parsing them. The largest of this service has about 768 KiB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

export function formatNodeMessage({ kind, nodeId, payload }: NodeMessage): string {
  return JSON.stringify({ uid: nodeId, type: SERVER_SIDE_EMIT, data: [kind, nodeId, payload] });
}

/** Parses a message. Returns undefined for everything that no node of this service sends. */
export function parseNodeMessage(body: Buffer): NodeMessage | undefined {
  if (body.length > MAX_MESSAGE_BYTES) return undefined;
  try {
    const { type, data } = JSON.parse(body.toString()) as { type: unknown; data: unknown };
    if (type !== SERVER_SIDE_EMIT || !Array.isArray(data) || data.length !== 3) return undefined;
    const [kind, nodeId, payload] = data as unknown[];
    if (typeof kind !== "string" || typeof nodeId !== "string") return undefined;
    return nodeId.length > MAX_NODE_ID_LENGTH ? undefined : { kind, nodeId, payload };
  } catch {
    return undefined; // not JSON, or null
  }
}
