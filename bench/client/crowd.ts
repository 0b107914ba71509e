/** Users who announce rooms: what they send, and what those who watch must come to know. */
import { pick } from "../measure/pick";
import { textFrame } from "./clientFrames";
import type { Dialect } from "./dialect";

export interface User {
  username: string;
  avatar: string;
}

const ROOMS = [
  { label: "Cooking", name: "/cooking" },
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];

/** All of one size as JSON, so that a list of all has one length whatever its order. */
export function user(client: number): User {
  const number = String(client).padStart(4, "0");
  return { username: `user-${number}`, avatar: `https://avatars.example/${number}.png` };
}

/** `moves`: how often the client has gone on to the next room. */
export function roomOf(client: number, moves = 0): (typeof ROOMS)[number] {
  return pick(ROOMS, (client + moves) % ROOMS.length);
}

export function announcement({ eventPrefix }: Dialect, client: number, moves = 0): Buffer {
  const payload = { ...user(client), currentRoom: roomOf(client, moves) };
  return textFrame(eventPrefix + JSON.stringify(["new_presence_information", payload]));
}

/** Who is where, as one comparable text. */
export function whereabouts(usersPerRoom: Record<string, User[]>): string {
  const all = Object.entries(usersPerRoom).flatMap(([room, users]) =>
    users.map(({ username, avatar }) => `${room} ${username} ${avatar}`),
  );
  return all.sort().join();
}

export function usersPerRoom(clients: number): Record<string, User[]> {
  const rooms: Record<string, User[]> = {};
  for (let client = 0; client < clients; client++) (rooms[roomOf(client).name] ??= []).push(user(client));
  return rooms;
}
