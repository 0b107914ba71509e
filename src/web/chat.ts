import type { ChatRoom } from "../client/chatClient";
import { Page, lastName } from "./page";
import { byId, showText } from "./dom";
import { RoomList } from "./roomList";
import { loadForSession, save, saveForSession } from "./storage";
import { Welcome } from "./welcome";

const RETRY_DELAY_MS = 2_000;

async function fetchRooms(): Promise<ChatRoom[]> {
  for (;;) {
    try {
      const answer = await fetch("/rooms");
      const { data } = (await answer.json()) as { data: { chatRooms: ChatRoom[] } };
      return data.chatRooms;
    } catch {
      showText(byId("banner"), "The server does not answer. Trying again…");
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
}

async function main(): Promise<void> {
  const welcome = new Welcome();
  const begin = (rooms: readonly ChatRoom[], username: string) => {
    const page = new Page({
      username,
      token: loadForSession("token"),
      rooms,
      onUnauthorized: () => {
        page.stop();
        const note =
          loadForSession("token") === undefined ? undefined : "The server does not take this token.";
        welcome.ask(username, { token: true, ...(note !== undefined && { note }) }, ({ name, token }) => {
          saveForSession("token", token ?? "");
          save("name", name);
          location.reload();
        });
      },
    });
    byId("rename").addEventListener("click", () =>
      welcome.ask(lastName(), { canCancel: true }, ({ name }) => page.rename(name)),
    );
    page.start();
  };

  const name = lastName();
  if (name === "") welcome.ask("", {}, ({ name: chosen }) => void rooms.then((list) => begin(list, chosen)));
  const rooms = fetchRooms();
  const list = await rooms;
  showText(byId("banner"), undefined);
  if (name === "") new RoomList(list);
  else begin(list, name);
}

void main();
