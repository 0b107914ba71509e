/** The service's default rooms, which the peers have, too. */
export interface Room {
  label: string;
  name: string;
}

export const COOKING: Room = { label: "Cooking", name: "/cooking" };
export const ROOMS: readonly Room[] = [
  COOKING,
  { label: "$$Money$$", name: "/money" },
  { label: "Traveling", name: "/travel" },
  { label: "Damn Cute Fur Babies", name: "/pets" },
];
