import { el } from "./dom";

/** A name, cut where it does not fit and whole in its tooltip, and whether it is one's own, which is never cut. */
export function nameView(username: string, isOwn: boolean): (Node | string)[] {
  const name = el("span", { class: "name", title: username }, el("bdi", {}, username));
  return isOwn ? [name, " ", el("span", { class: "you" }, "you")] : [name];
}
