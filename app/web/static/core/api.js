// Talks to the API with the session's cookie. A refusal becomes an Error that carries the problem document.
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

// `body` is sent as JSON, or as it is when it is a FormData. Names of `query` without a value are left out.
export async function call(path, { method = "GET", body, query = {}, headers = {}, signal } = {}) {
  const form = body instanceof FormData;
  const sent = { "X-Queuant-Request": "1", ...headers };
  if (body !== undefined && !form) sent["Content-Type"] = "application/json";
  const reply = await fetch(`/api/v1${path}${asked(query)}`, {
    method, headers: sent, signal, body: form ? body : body && JSON.stringify(body),
  });
  if (reply.status === 401) location.assign(`/sign-in${location.hash}`);
  if (reply.status === 204) return null;
  const answer = await reply.json();
  if (!reply.ok) throw new Refused(answer);
  return answer;
}

function asked(query) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return said.length ? `?${new URLSearchParams(said)}` : "";
}
