// Every screen: a new one is a module in screens/ and a line here. A screen without a group is reached from others.
// Its `open(place, { rest, query, signal })` fills the place; what it listens to ends with the signal.
export const SCREENS = [
  { path: "jobs", title: "Jobs", group: "Research", load: () => import("./screens/jobs.js") },
  { path: "new", title: "New run", group: "Research", load: () => import("./screens/new.js") },
  { path: "compare", title: "Compare", group: "Research", load: () => import("./screens/compare.js") },
  { path: "strategies", title: "Strategies", group: "Research", load: () => import("./screens/strategies.js") },
  { path: "data", title: "Data", group: "Research", load: () => import("./screens/data.js") },
  { path: "signals", title: "Signals", group: "Live", load: () => import("./screens/signals.js") },
  { path: "book", title: "Book", group: "Live", load: () => import("./screens/book.js") },
  { path: "risk", title: "Risk", group: "Live", load: () => import("./screens/risk.js") },
  { path: "alerts", title: "Alerts", group: "Live", load: () => import("./screens/alerts.js") },
  { path: "system", title: "System", group: "Platform", load: () => import("./screens/system.js") },
  { path: "settings", title: "Settings", group: "Platform", load: () => import("./screens/settings.js") },
  { path: "job", title: "Job", load: () => import("./screens/job.js") },
];
