/** Two of the default rooms, as they stand in payloads and events. */
export const COOKING = { label: "Cooking", name: "/cooking" };
export const PETS = { label: "Damn Cute Fur Babies", name: "/pets" };
/** All default rooms, in their order. */
export const ROOM_NAMES = ["/cooking", "/money", "/travel", "/pets"];
