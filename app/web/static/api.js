// Talks to the API with the session's cookie. A refusal becomes an Error that carries the problem document.
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export async function call(path, { method = "GET", body } = {}) {
  const headers = { "X-Queuant-Request": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const reply = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (reply.status === 401) location.assign("/sign-in");
  if (reply.status === 204) return null;
  const answer = await reply.json();
  if (!reply.ok) throw new Refused(answer);
  return answer;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
