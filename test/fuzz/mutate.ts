import type { Random } from "../support/random";

const MAX_FRAME_LENGTH = 60_000; // characters; less than the service accepts
const VALID = [
  "40",
  '40{"resume":{}}',
  '42["new_message",{"username":"u","message":"m","uuid":"1","chatRoom":{"label":"Cooking","name":"/cooking"}}]',
  '421["new_message",{"username":"u","message":"m","uuid":"2","chatRoom":{"label":"x","name":"/pets"}}]',
  '42["new_presence_information",{"username":"u","avatar":"","currentRoom":{"label":"x","name":"/money"}}]',
  '42["new_typing_information",{"username":"u","chatRoom":{"label":"x","name":"/money"},"isTyping":true}]',
  '451-["new_message",{"_placeholder":true,"num":0}]',
  '431["ok"]',
  "41",
  "2probe",
  "3",
  "5",
  "6",
];
const SPLICES = [
  "[",
  "]",
  "{",
  '"',
  ",",
  "\\u0000",
  "\u0000",
  "\ud800",
  "1e999",
  "99999999999999999999",
  "__proto__",
];

/** Changes a valid Engine.IO frame in one to four places: replaces, cuts, repeats, splices or nests. */
export function mutatedFrame(random: Random): string | Buffer {
  let frame = random.pick(VALID);
  for (let times = below(random, 4); times >= 0; times -= 1) frame = mutate(frame, random);
  return below(random, 10) === 0 ? Buffer.from(frame, "latin1") : frame.slice(0, MAX_FRAME_LENGTH);
}

function mutate(frame: string, random: Random): string {
  const at = below(random, frame.length + 1);
  const to = Math.min(frame.length, at + 1 + below(random, 12));
  switch (below(random, 7)) {
    case 0:
      return frame.slice(0, at) + String.fromCharCode(below(random, 256)) + frame.slice(at + 1);
    case 1:
      return frame.slice(0, at);
    case 2:
      return frame.slice(0, to) + frame.slice(at);
    case 3:
      return frame.slice(0, at) + random.pick(SPLICES) + frame.slice(at);
    case 4:
      return String(below(random, 8)) + String(below(random, 10)) + frame.slice(2);
    case 5:
      return frame.slice(0, at) + "[".repeat(below(random, 2_000)) + frame.slice(at);
    default:
      return frame.slice(0, at) + random.pick(VALID) + frame.slice(to);
  }
}

/** A whole number from 0 up to, not including, `limit`. */
function below(random: Random, limit: number): number {
  return random.between(0, limit - 1);
}
