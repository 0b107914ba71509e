import { ChatClientError } from "../../src/client/chatClientError";
import { Outbox } from "../../src/client/outbox";
import type { NewMessage } from "../../src/protocol/payloads";
import { historicalMessage } from "../support/historicalMessage";

const RETRIES = { firstMs: 1, maxMs: 1, isRetryable: () => false };

/** An outbox, and the texts that it sent; the server never answers. */
function outbox(): { outbox: Outbox; sent: string[] } {
  const sent: string[] = [];
  const request = <T>(_event: string, payload: unknown) => {
    sent.push((payload as NewMessage).message);
    return new Promise<T>(() => undefined);
  };
  return { outbox: new Outbox(request, RETRIES), sent };
}

const offline = new ChatClientError("no connection");

test("nothing is sent before `resume`; then rooms do not wait for each other", () => {
  const { outbox: box, sent } = outbox();
  for (const [room, text] of [["/cooking", "1"], ["/cooking", "2"], ["/pets", "3"]] as const) void box.send("ana", room, text); // prettier-ignore
  expect(sent).toEqual([]);
  box.resume([]);
  expect(sent).toEqual(["1", "3"]);
  void box.send("ana", "/money", "4");
  expect(sent).toEqual(["1", "3", "4"]);
});

test("a held room sends when it is released, also a message that was sent meanwhile", () => {
  const { outbox: box, sent } = outbox();
  void box.send("ana", "/cooking", "1");
  box.resume(["/cooking", "/pets"]);
  void box.send("ana", "/pets", "2");
  expect(sent).toEqual([]);
  box.release("/cooking");
  expect(sent).toEqual(["1"]);
  box.release("/pets");
  expect(sent).toEqual(["1", "2"]);
});

test("a room that is released after the connection was lost waits for the next one", () => {
  const { outbox: box, sent } = outbox();
  void box.send("ana", "/cooking", "1");
  box.resume(["/cooking"]);
  box.pause();
  box.release("/cooking");
  expect(sent).toEqual([]);
  box.resume([]);
  expect(sent).toEqual(["1"]);
});

test("a message that was stored before the connection was lost is not sent again", async () => {
  const { outbox: box, sent } = outbox();
  const { message, uuid, offset } = historicalMessage(1);
  const receipt = box.send("ana", "/cooking", message, uuid);
  box.onMessage(historicalMessage(1));
  expect(await receipt).toMatchObject({ uuid, offset, duplicate: true });
  box.resume([]);
  expect(sent).toEqual([]);
});

test("messages without a uuid get one each, and only the name of the room is meant", () => {
  const payloads: NewMessage[] = [];
  const request = <T>(_event: string, payload: unknown) => {
    payloads.push(payload as NewMessage);
    return new Promise<T>(() => undefined);
  };
  const box = new Outbox(request, RETRIES);
  box.resume([]);
  void box.send("ana", "/cooking", "hello");
  void box.send("ana", "/pets", "hello");
  expect(payloads).toMatchObject([
    { username: "ana", message: "hello", chatRoom: { name: "/cooking" } },
    { username: "ana", message: "hello", chatRoom: { name: "/pets" } },
  ]);
  expect(new Set(payloads.map(({ uuid }) => uuid)).size).toBe(2);
});

test("`close` rejects the messages of every room", async () => {
  const { outbox: box } = outbox();
  const rejected = ["/cooking", "/pets"].map((room) =>
    expect(box.send("ana", room, "1")).rejects.toBe(offline),
  );
  box.close(offline);
  await Promise.all(rejected);
});
