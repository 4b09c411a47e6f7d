const query = new URLSearchParams(location.search);
const reasons = {
  used: "This sign-in link was used already, or it has expired.",
  wrong: "That is not a valid API key.",
};
const name = Object.keys(reasons).find((key) => query.has(key));
if (name) {
  const place = document.getElementById("reason");
  place.textContent = reasons[name];
  place.hidden = false;
}
