// Talks to the API with the session's cookie. A refusal becomes an Error that carries the problem document.
import { asked } from "./router.js";

const PAUSE_MS = 2000; // between two questions whether anybody answers again
const PATIENCE_MS = 60_000; // who has not answered by then does not
const AWAY = new Set([502, 503, 504]); // what a proxy says of a server that it does not reach

export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

// Nobody answered: a refusal too, without a code.
export class Unanswered extends Refused {
  constructor() {
    super({ detail: "The server does not answer." });
  }
}

// `body` is sent as JSON, or as it is when it is a FormData. Names of `query` without a value are left out.
export async function call(path, { method = "GET", body, query = {}, headers = {}, signal } = {}) {
  const form = body instanceof FormData;
  const sent = { "X-Queuant-Request": "1", ...headers };
  if (body !== undefined && !form) sent["Content-Type"] = "application/json";
  const reply = await answered(`/api/v1${path}${asked(query)}`, {
    method, headers: sent, signal, body: form ? body : body && JSON.stringify(body),
  });
  if (reply.status === 401) leave();
  if (reply.status === 204) return null;
  if (reply.ok) return JSON.parse(reply.text);
  throw new Refused(problemOf(reply));
}

// Whoever stands before the server may refuse in words of its own, or say that it is away.
function problemOf({ status, text }) {
  try {
    return JSON.parse(text);
  } catch {
    if (AWAY.has(status)) throw new Unanswered();
    return { detail: `The server answered ${status}.` };
  }
}

// What `work` resolves to; where it is refused with one of these codes, what `otherwise` makes of the refusal.
export async function unlessRefused(codes, work, otherwise) {
  try {
    return await work();
  } catch (error) {
    if (!codes.includes(error.problem?.code)) throw error;
    return otherwise(error);
  }
}

// To where one signs in, and from there back to where one was.
export function leave() {
  location.assign(`/sign-in?ended=1${location.hash}`);
}

// The whole answer: one that breaks off is none. To have left is no refusal.
export async function answered(url, options = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const reply = await fetch(url, { ...options, signal: options.signal ? AbortSignal.any([options.signal, patience]) : patience });
    return { ok: reply.ok, status: reply.status, text: await reply.text() };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unanswered();
  }
}

export function alive() {
  return answered("/healthz").then(({ status }) => !AWAY.has(status), () => false);
}

// Do it as soon as somebody answers, if it is still wanted then. One asks for all who wait.
export async function onceAnswered(work, wanted) {
  await (back ??= answering());
  if (wanted()) await work();
}
let back = null;

async function answering() {
  do await new Promise((done) => setTimeout(done, PAUSE_MS));
  while (!await alive());
  back = null;
}

// The same for a file, of which `onProgress` hears how much was sent, 0 to 1: `fetch` does not tell. Gives { status, answer }.
export function upload(path, form, { onProgress = () => {}, signal } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1${path}`);
    request.setRequestHeader("X-Queuant-Request", "1");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(loaded / total));
    request.addEventListener("load", () => {
      if (request.status < 400) done({ status: request.status, answer: request.response });
      else fail(new Refused(request.response ?? { detail: `The server answered ${request.status}.` }));
    });
    request.addEventListener("error", () => fail(new Refused({ detail: "The file did not arrive: the connection broke." })));
    request.addEventListener("abort", () => fail(new DOMException("left", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
