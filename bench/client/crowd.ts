/** Users that announce rooms: what they send, and what every client must then know. */
import { pick } from "../measure/pick";
import { ROOMS, type Room } from "../rooms";
import { textFrame } from "./clientFrames";
import type { Dialect } from "./dialect";

export interface User {
  username: string;
  avatar: string;
}

/** The user of a client. All users have the same size as JSON, so the size of a list does not depend on its order. */
export function user(client: number): User {
  const number = String(client).padStart(4, "0");
  return { username: `user-${number}`, avatar: `https://avatars.example/${number}.png` };
}

/** The room of a client that has moved to the next room `moves` times. */
export function roomOf(client: number, moves = 0): Room {
  return pick(ROOMS, (client + moves) % ROOMS.length);
}

/** The frame with which a client announces its room. */
export function announcement({ eventPrefix }: Dialect, client: number, moves = 0): Buffer {
  const payload = { ...user(client), currentRoom: roomOf(client, moves) };
  return textFrame(eventPrefix + JSON.stringify(["new_presence_information", payload]));
}

/** All users and their rooms as one text, for comparison. */
export function usersAsText(usersPerRoom: Record<string, User[]>): string {
  const all = Object.entries(usersPerRoom).flatMap(([room, users]) =>
    users.map(({ username, avatar }) => `${room} ${username} ${avatar}`),
  );
  return all.sort().join();
}

/** The users of clients 0 to `clients` - 1 in their first rooms. */
export function usersPerRoom(clients: number): Record<string, User[]> {
  const rooms: Record<string, User[]> = {};
  for (let client = 0; client < clients; client++) (rooms[roomOf(client).name] ??= []).push(user(client));
  return rooms;
}
