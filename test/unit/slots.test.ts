import { Slots } from "../../src/access/slots";

const NEVER_MS = 60_000;
const REFUSED = { message: "Too many requests", status: 429 };

test("a key is lent so many slots, and other keys theirs", async () => {
  const slots = new Slots(2, NEVER_MS);
  const lent: string[] = [];
  const acquire = (key: string) =>
    slots.acquire(key).then((release) => {
      lent.push(key);
      return release;
    });
  const [release] = await Promise.all([acquire("a"), acquire("a")]);
  const third = acquire("a");
  await acquire("b");
  expect(lent).toEqual(["a", "a", "b"]);
  release();
  await third;
  expect(lent).toEqual(["a", "a", "b", "a"]);
});

test("those who wait are lent slots in their order", async () => {
  const slots = new Slots(1, NEVER_MS);
  const order: number[] = [];
  const first = await slots.acquire("a");
  const waiting = [1, 2, 3].map(async (number) => {
    const release = await slots.acquire("a");
    order.push(number);
    release();
  });
  first();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
});

test("a request that waits too long is refused, and takes no slot later", async () => {
  const slots = new Slots(1, 20);
  const release = await slots.acquire("a");
  await expect(slots.acquire("a")).rejects.toMatchObject(REFUSED);
  release();
  const again = await slots.acquire("a");
  await expect(slots.acquire("a")).rejects.toMatchObject(REFUSED);
  again();
});
