import { Encoder, PacketType, type Packet } from "socket.io-parser";
import { AckEncoder, EncodedJson } from "../../src/connections/ackEncoder";

const ack = (answer: unknown): Packet => ({ type: PacketType.ACK, nsp: "/", id: 7, data: [answer] });

test("an ack with encoded data has the bytes that Socket.IO would write", () => {
  const data = { usersPerRoom: { "/a": [{ username: 'é "👋" \u2028', avatar: "" }] } };
  const encoded = new AckEncoder().encode(ack({ data: new EncodedJson(JSON.stringify(data)), error: null }));
  expect(encoded).toEqual(new Encoder().encode(ack({ data, error: null })));
});

test.each<[string, Packet]>([
  ["an event", { type: PacketType.EVENT, nsp: "/", data: ["x", { data: 1, error: null }] }],
  ["an ack with other data", ack({ data: { uuid: "1" }, error: null })],
  ["a refusal", ack({ data: null, error: { message: "x", status: 404, errors: [] } })],
  ["an ack without arguments", { type: PacketType.ACK, nsp: "/", id: 0, data: [] }],
  ["a CONNECT", { type: PacketType.CONNECT, nsp: "/", data: { sid: "x" } }],
  ["a CONNECT of Engine.IO 3", { type: PacketType.CONNECT, nsp: "/" }],
])("%s is encoded by Socket.IO", (_name, packet) => {
  expect(new AckEncoder().encode(packet)).toEqual(new Encoder().encode(packet));
});
