/** The inspector's page: takes the token out of the link, and draws. */
import { render } from "preact";
import { App } from "./App.js";
import { Feed } from "./feed.js";
import "./page.css";

const kept = "turnwire-inspector-token";

/** The token is in the link once; then the address is clean, and a reload still works. */
function takeToken(): string {
  const given = location.hash.slice(1);
  if (given === "") return sessionStorage.getItem(kept) ?? "";
  history.replaceState(null, "", "/");
  sessionStorage.setItem(kept, given);
  return given;
}

const place = document.getElementById("page");
if (place !== null) {
  const feed = new Feed(takeToken());
  render(<App feed={feed} />, place);
  void feed.open();
}
