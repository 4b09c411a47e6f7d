// One socket for all channels. Of each it remembers epoch and seq, so that after a break nothing is missed and nothing
// comes twice; only where that cannot be (`onGap`) is the present state read anew.
import { call, onceAnswered, Unanswered } from "./api.js";
import { toast } from "./dom.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
const HOME = "jobs"; // the channel whose address opens the socket
const channels = new Map(); // name -> { epoch, seq, listeners }
const watchers = new Set();
let socket = null;
let state = "connecting";
let pause = FIRST_PAUSE;

// Hear a channel until `signal` is aborted. `onGap` is called when the state must be read, at first too.
export function subscribe(name, { onEvent, onGap = () => {} }, signal) {
  if (signal?.aborted) return; // nobody would ever tell it to end
  const listener = { onEvent, onGap };
  const known = channels.get(name);
  const channel = known ?? { epoch: null, seq: null, listeners: new Set() };
  channel.listeners.add(listener);
  channels.set(name, channel);
  if (!known) ask(name);
  else if (channel.epoch !== null) onGap();
  signal?.addEventListener("abort", () => {
    channel.listeners.delete(listener);
    if (channel.listeners.size || name === HOME) return;
    channels.delete(name);
    tell({ type: "unsubscribe", channel: name });
  });
}

// Call `work` whenever anything happens on a channel, at most once each `pause` milliseconds.
export function watch(name, work, signal, pause = 300) {
  const refresh = calmly(work, pause, signal);
  subscribe(name, { onEvent: refresh, onGap: refresh }, signal);
}

// `work`, at most once each `pause` milliseconds, and once more when it was asked for meanwhile; never after `signal`. Where
// nobody answers it is done again as soon as somebody does: there may be no other event that asks for it.
export function calmly(work, pause, signal) {
  const turn = inTurn(signal);
  let waiting = false;

  async function patiently() {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      toast(error.message);
      await onceAnswered(patiently, () => !signal?.aborted);
    }
  }

  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      turn(patiently);
    }, pause);
  };
}

// What reads the same things anew takes turns: `turn(work)` begins when the work before it has ended, never after `signal`,
// and once for all who ask before it begins. Else an answer that was overtaken would put an older state over a newer one.
// Work that waits for a turn of its own order would wait for ever.
export function inTurn(signal) {
  const waiting = new Map(); // work -> its promise
  let last = Promise.resolve();
  return (work) => {
    if (!waiting.has(work)) {
      last = last.catch(() => {}).then(() => { // its own caller hears of a failure
        waiting.delete(work);
        return signal?.aborted ? undefined : work();
      });
      waiting.set(work, last);
    }
    return waiting.get(work);
  };
}

// Hear "connecting", "live" and "offline", now and whenever it changes.
export function onState(watcher) {
  watchers.add(watcher);
  watcher(state);
}

export async function connect() {
  if (!channels.has(HOME)) channels.set(HOME, { epoch: null, seq: null, listeners: new Set() });
  become("connecting");
  try {
    const { ticket, url } = await call("/ws-tickets", { method: "POST" });
    socket = new WebSocket(`${url}/ws/${HOME}?${new URLSearchParams({ ticket, ...place(HOME) })}`);
    socket.addEventListener("message", (message) => hear(JSON.parse(message.data)));
    socket.addEventListener("close", again);
  } catch (error) {
    console.warn("no live channel:", error.message);
    again();
  }
}

function hear(message) {
  if (message.type === "error") console.warn("the relay refused:", message.detail ?? message.message);
  const channel = channels.get(message.channel);
  if (message.type === "hello" && message.channel === HOME && state !== "live") greet();
  if (!channel) return;
  if (message.type === "hello") return begin(channel, message);
  if (message.seq !== undefined) {
    if (message.seq <= channel.seq) return;
    channel.seq = message.seq;
  }
  if (message.data === undefined) return; // how far a quiet channel has got, or a confirmation
  for (const { onEvent } of channel.listeners) onEvent(message);
}

function greet() {
  pause = FIRST_PAUSE;
  become("live");
  for (const name of channels.keys()) if (name !== HOME) ask(name);
}

function begin(channel, hello) {
  if (channel.epoch !== null && hello.recovered === true) return;
  channel.epoch = hello.epoch;
  channel.seq = hello.head;
  for (const { onGap } of channel.listeners) onGap();
}

function ask(name) {
  tell({ type: "subscribe", channel: name, ...place(name) });
}

function place(name) {
  const { epoch, seq } = channels.get(name);
  return epoch === null ? {} : { epoch, seq };
}

function tell(message) {
  if (state === "live") socket.send(JSON.stringify(message));
}

function again() {
  become("offline");
  setTimeout(connect, pause * (0.75 + Math.random() / 2));
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

function become(next) {
  state = next;
  for (const watcher of watchers) watcher(next);
}
