// The address says what is shown: #/jobs/ID?tab=trades. Whoever sends it to somebody sends the same view.
export function here() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

// What is no encoding stands for itself.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// What follows a path. Values that are empty are left out.
export function asked(query) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return said.length ? `?${new URLSearchParams(said)}` : "";
}

export function address(path, query = {}) {
  return `#/${path}${asked(query)}`;
}

export function go(path, query) {
  location.hash = address(path, query);
}

// Say in the address what has changed on the screen that is open, without opening it anew.
export function remember(query) {
  const { path, query: now } = here();
  history.replaceState(null, "", address(path.map(encodeURIComponent).join("/"), { ...Object.fromEntries(now), ...query }));
}
