import { el } from "./dom";

/** Shows the picture if its address is https, otherwise initials on a colour that is derived from the name. */
export function avatar(username: string, picture = ""): HTMLElement {
  const initials = el("span", { class: "avatar", "aria-hidden": "true" }, initialsOf(username));
  initials.style.setProperty("--hue", String(hueOf(username)));
  if (!isHttps(picture)) return initials;
  const image = el("img", {
    class: "avatar",
    src: picture,
    alt: "",
    referrerpolicy: "no-referrer",
    loading: "lazy",
  });
  image.addEventListener("error", () => image.replaceWith(initials));
  return image;
}

function initialsOf(username: string): string {
  const words = username.trim().split(/[\s._-]+/u).filter((word) => word !== ""); // prettier-ignore
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase() || "?";
}

function hueOf(username: string): number {
  let hash = 0;
  for (const char of username) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return hash;
}

function isHttps(picture: string): boolean {
  return URL.canParse(picture) && new URL(picture).protocol === "https:";
}
