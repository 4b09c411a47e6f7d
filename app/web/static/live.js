// One socket on /ws/jobs. It remembers epoch and seq, so that after a break nothing is missed and nothing comes twice.
import { call } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;

export function listen({ onEvent, onGap, onState }) {
  let epoch = null;
  let seq = null;
  let pause = FIRST_PAUSE;

  async function open() {
    onState("connecting");
    try {
      const { ticket, url } = await call("/ws-tickets", { method: "POST" });
      const query = new URLSearchParams({ ticket });
      if (epoch !== null) {
        query.set("epoch", epoch);
        query.set("seq", seq);
      }
      const socket = new WebSocket(`${url}/ws/jobs?${query}`);
      socket.addEventListener("message", (message) => hear(JSON.parse(message.data)));
      socket.addEventListener("close", again);
    } catch (error) {
      console.warn("no live channel:", error.message);
      again();
    }
  }

  function hear(message) {
    if (message.type === "hello") {
      pause = FIRST_PAUSE;
      const resumed = epoch !== null && message.recovered === true;
      if (!resumed) {
        epoch = message.epoch;
        seq = message.head;
        onGap();
      }
      onState("live");
      return;
    }
    if (message.seq !== undefined) {
      if (message.seq <= seq) return;
      seq = message.seq;
    }
    onEvent(message);
  }

  function again() {
    onState("offline");
    setTimeout(open, pause * (0.75 + Math.random() / 2));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }

  open();
}
