// The page of those who launch desktops: puts the parts together and keeps them going.

import { announce } from "./announce.js";
import { Problem, Unanswered, call, sessionPath } from "./api.js";
import { Card } from "./card.js";
import { showPerson, startChrome } from "./chrome.js";
import { confirmed } from "./confirm.js";
import { byId } from "./dom.js";
import { failurePanel } from "./failure.js";
import { Follower } from "./follow.js";
import { duration, onLanguage, t } from "./i18n.js";
import { Launcher } from "./launch.js";
import { jumped } from "./servertime.js";
import { Sessions } from "./sessions.js";
import { Warnings, titleFor } from "./warning.js";

/** @typedef {import("./types.js").Session} Session */

/** What the address may name after its #: a session to look at. */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

const AGAIN = 5_000;

/** @type {import("./types.js").Me} */
let me;
let again = 0;
/** @type {Launcher|null} */
let launcher = null;
/** @type {Map<string, Card>} */
const cards = new Map();
const warnings = new Warnings();
const sessions = new Sessions(showSession);
const follower = new Follower(sessions, () => void signedOut());

/** @type {import("./card.js").Orders} */
const orders = {
  me: () => me,
  again: (session) => void launcher?.again(session),
  dismiss: (session) => sessions.dismiss(session.name),
  cancel: (session) => act(session, () => call("DELETE", sessionPath(session.name))),
  async end(session) {
    const words = { title: t("end.title", { name: session.name }), text: t("end.text"), yes: t("end.yes"), no: t("end.no") };
    if (await confirmed(words)) await orders.cancel(session);
  },
  async extend(session, minutes) {
    if (minutes < 1) return;
    await act(session, async () => {
      const extended = await call("POST", `${sessionPath(session.name)}/extend`, { body: { minutes } });
      announce(t("extend.done", { time: duration(minutes * 60) }));
      return extended;
    });
  },
};

/** @param {Session} session @param {() => Promise<Session>} order */
async function act(session, order) {
  const card = cards.get(session.name);
  card?.showProblem(null);
  try {
    sessions.heard(await order());
  } catch (error) {
    const gone = error instanceof Problem && error.status === 404;
    if (gone) sessions.gone(session.name);
    else card?.showProblem(failurePanel(error, { title: t("order.failed"), signIn: me.loginUrl }));
  }
  void follower.refresh();
}

/** @param {Session|null} session @param {string} name @param {Session|null} before */
function showSession(session, name, before) {
  if (session === null) {
    const focused = cards.get(name)?.element.contains(document.activeElement);
    cards.get(name)?.element.remove();
    cards.delete(name);
    if (focused) byId("main").focus();
  } else {
    const card = cards.get(name);
    if (card) card.update(session);
    else addCard(session);
    if (session.mine && before && before.progress.step !== session.progress.step) {
      announce(t("announce.step", { name, step: t(`step.${session.progress.step}`) }));
    }
  }
  arrange();
}

/** The newest first. @param {Session} session */
function addCard(session) {
  const card = new Card(session, orders);
  cards.set(session.name, card);
  byId("cards").prepend(card.element);
}

/** Desktops come first as soon as there are some; then the button is for another one. */
function arrange() {
  const some = cards.size > 0;
  byId("sessions").hidden = !some;
  byId("launch").classList.toggle("another", some);
  document.body.classList.toggle("several", cards.size > 1);
  launcher?.update();
  document.title = titleFor(sessions.all(), me.warnBeforeSeconds);
}

function everySecond() {
  for (const session of sessions.all()) cards.get(session.name)?.update(session);
  warnings.tell(sessions.all(), me.warnBeforeSeconds);
  document.title = titleFor(sessions.all(), me.warnBeforeSeconds);
  if (jumped()) void follower.refresh();
}

/** @param {Session} session */
function launched(session) {
  follower.launched(session);
  cards.get(session.name)?.focus();
}

/** The server knows this person no more: ask who is there, and go on only if that helps. */
async function signedOut() {
  me = await call("GET", "me").catch(() => me);
  showPerson(me);
  if (!me.mayLaunch) closed();
}

/** Ask who is there, and show what they may do; where nobody answers, again and again. */
async function start() {
  clearTimeout(again);
  try {
    me = await call("GET", "me");
  } catch (error) {
    byId("launch").hidden = false;
    if (!byId("launch-area").contains(document.activeElement)) {
      byId("launch-area").replaceChildren(
        failurePanel(error, { title: t("start.failed"), retry: () => void start(), signIn: null }),
      );
    }
    if (error instanceof Unanswered) again = setTimeout(() => void start(), AGAIN);
    return;
  }
  showPerson(me);
  byId("launch").hidden = false;
  if (me.mayLaunch) await open();
  else closed();
}

async function open() {
  const templates = await call("GET", "templates").then(({ items }) => items, () => []);
  launcher ??= new Launcher(me, templates, launched);
  const named = location.hash.slice(1);
  follower.watch(NAME.test(named) && named !== "main" ? named : null);
  launcher.show();
  arrange();
  await follower.refresh();
}

function closed() {
  const refused = new Problem(me.role === "guest" ? 401 : 403, {}, null);
  byId("launch-area").replaceChildren(failurePanel(refused, { title: t("launch.refused"), signIn: me.loginUrl }));
}

startChrome();
onLanguage(() => {
  for (const session of sessions.all()) cards.get(session.name)?.rewrite(session);
  if (launcher) launcher.show();
  else void start();
});
document.addEventListener("visibilitychange", () => !document.hidden && launcher && void follower.refresh());
addEventListener("online", () => launcher && void follower.refresh());
addEventListener("hashchange", () => launcher && void open());
await start();
setInterval(() => me && everySecond(), 500);
