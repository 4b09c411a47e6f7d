const query = new URLSearchParams(location.search);
const reasons = {
  used: "This sign-in link was used already, or it has expired.",
  wrong: "That is not a valid API key.",
  ended: "You are not signed in, or no longer.",
};
const name = Object.keys(reasons).find((key) => query.has(key));
if (name) {
  const place = document.getElementById("reason");
  place.textContent = reasons[name];
  place.hidden = false;
}
// What stood behind the # goes along, so that whoever was signed out comes back to the same view.
document.querySelector("form").action += location.hash;
