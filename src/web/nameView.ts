import { el } from "./dom";

/** A name, which is cut where it does not fit, with the whole name as tooltip; "you" after one's own is never cut. */
export function nameView(username: string, isOwn: boolean): (Node | string)[] {
  const name = el("span", { class: "name", title: username }, el("bdi", {}, username));
  return isOwn ? [name, " ", el("span", { class: "you" }, "you")] : [name];
}
