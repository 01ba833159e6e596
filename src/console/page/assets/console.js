"use strict";

// The code of a link stands behind the "#", which no server sees; it is put into the form, and sent by a press of the button.
const code = document.getElementById("code");
if (code && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}

// A list from a file is put into the form, where it is read like one that was pasted.
const file = document.getElementById("file");
if (file) {
  document.getElementById("from-file").hidden = false;
  file.addEventListener("change", async () => {
    if (file.files.length === 1) document.getElementById("list").value = await file.files[0].text();
  });
}

// An instant that is to be read by the reader's own clock: the server does not know which that is.
yours(document);

function yours(page) {
  for (const time of page.querySelectorAll("time.yours")) {
    const at = new Date(time.dateTime);
    const form = { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
    if (!Number.isNaN(at.getTime())) time.textContent = at.toLocaleString(undefined, form);
  }
}

// A clock runs since its instant, by the server's clock: how far that is ahead of the reader's is what it was when the page was made.
const made = document.querySelector(".as-of time");
const ahead = made ? Date.parse(made.dateTime) - Date.now() : 0;
if (made) setInterval(() => run(document), 1000);

function run(page) {
  for (const time of page.querySelectorAll("time.running")) {
    const seconds = Math.max(0, Math.floor((Date.now() + ahead - Date.parse(time.dateTime)) / 1000));
    const two = (part) => String(part).padStart(2, "0");
    const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
    time.textContent = (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(seconds % 60);
  }
}

// An open page reads itself again where something has changed. What stands there is changed in place; what is new waits behind a link, so that nothing
// moves under a finger. A form is left alone: its decision is about what was shown.
const live = document.getElementById("live");
let signedOut = false;
if (live) follow();

function follow() {
  let stream = null;
  let heard = Date.now();
  let wait = 1000;
  const open = () => {
    if (document.hidden || stream) return;
    stream = new EventSource("/changes");
    stream.onopen = () => { heard = Date.now(); wait = 1000; signedOut = false; say(""); };
    stream.addEventListener("changed", () => { heard = Date.now(); readAgain(); });
    stream.onerror = () => {
      // The end of a stream is no trouble: the next one is opened at once. One that is refused is.
      if (stream.readyState === EventSource.CLOSED) {
        close();
        // Why, the page itself says: a session that is over reads as the page to sign in.
        readAgain();
        setTimeout(open, wait);
        wait = Math.min(wait * 2, 60000);
      }
    };
  };
  const close = () => { if (stream) stream.close(); stream = null; };
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else { open(); readAgain(); } });
  setInterval(() => {
    if (stream && stream.readyState === EventSource.OPEN) heard = Date.now();
    const silent = Date.now() - heard > 15000;
    if (silent && !document.hidden && !signedOut) say("Not live since " + new Date(heard).toLocaleTimeString() + ".");
  }, 1000);
  open();
}

function say(words) {
  if (live.textContent !== words) live.textContent = words;
}

function readAgain() {
  // Read as a document: no text becomes markup here.
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.onload = () => {
    // Whoever is not known any more is led to the page to sign in, which is no newer state of this one.
    signedOut = request.status === 401 || new URL(request.responseURL).pathname === "/sign-in";
    if (signedOut) say("Signed out: nothing here is live any more. Read the page again to sign in; what you have typed, copy first.");
    else if (request.status === 200 && request.response) merge(request.response);
  };
  request.send();
}

function merge(page) {
  let news = 0;
  yours(page);
  run(page);
  for (const fresh of page.querySelectorAll("[data-key]")) {
    const here = document.querySelector(`[data-key="${CSS.escape(fresh.dataset.key)}"]`);
    if (!here) news += 1;
    else if (here.textContent !== fresh.textContent && !here.contains(document.activeElement)) {
      here.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
  }
  for (const here of document.querySelectorAll("[data-key]")) {
    const gone = !page.querySelector(`[data-key="${CSS.escape(here.dataset.key)}"]`);
    here.classList.toggle("gone", gone);
  }
  const asOf = page.querySelector(".as-of");
  const shown = document.querySelector(".as-of");
  const clock = asOf && asOf.querySelector("time");
  if (clock && shown) shown.querySelector("time").replaceWith(document.importNode(clock, true));
  const more = document.getElementById("more");
  if (more) {
    more.hidden = news === 0;
    more.textContent = news + " new: read again";
  }
}

// How much of a hold is ticked, and all or none of it at once, without a page that is read anew.
const ticked = document.getElementById("ticked");
if (ticked) {
  const boxes = [...document.querySelectorAll("input[name=keep]")];
  const count = () => { ticked.textContent = boxes.filter((box) => box.checked).length + " of " + boxes.length + " ticked"; };
  for (const link of document.querySelectorAll("a[href^='?tick=']")) {
    link.addEventListener("click", (click) => {
      click.preventDefault();
      for (const box of boxes) box.checked = link.search === "?tick=all";
      count();
    });
  }
  document.addEventListener("change", count);
  addEventListener("pageshow", count);
  count();
}
