// The page of operators: what holds the controller back, all sessions, events, templates and pools.

import { announce } from "./announce.js";
import { Problem, Unanswered, call, sessionPath } from "./api.js";
import { EventList } from "./admin_events.js";
import { Table } from "./admin_table.js";
import { showNotices, showOverview, showPools, showTemplates } from "./admin_overview.js";
import { mayOperate, showPerson, startChrome } from "./chrome.js";
import { confirmed } from "./confirm.js";
import { byId } from "./dom.js";
import { failurePanel } from "./failure.js";
import { everySession } from "./follow.js";
import { duration, onLanguage, t } from "./i18n.js";

/** @typedef {import("./types.js").Session} Session */

const EVERY = 3_000;
const EVERY_HIDDEN = 30_000;

/** @type {import("./types.js").Me} */
let me;
/** What was heard last, for showing it in another language. @type {{status: any, templates: any[], pools: any[]}|null} */
let heard = null;
const table = new Table({ end, extend, extendMinutes: () => me.defaults.extendMinutes });
const events = new EventList();

/** @param {Session} session */
async function end(session) {
  const owner = session.owner ?? t("admin.end.nobody");
  const words = { title: t("admin.end.title", { name: session.name }), text: t("admin.end.text", { owner }), yes: t("end.yes"), no: t("end.no") };
  if (await confirmed(words)) await act(session, () => call("DELETE", sessionPath(session.name)));
}

/** @param {Session} session @param {number} minutes */
async function extend(session, minutes) {
  const time = duration(minutes * 60);
  const words = {
    title: t("admin.extend.title", { name: session.name }),
    text: t("admin.extend.text", { time }),
    yes: t("admin.extend.yes"),
    no: t("admin.extend.no"),
  };
  const path = `${sessionPath(session.name)}/extend`;
  if (await confirmed(words)) await act(session, () => call("POST", path, { body: { minutes } }));
}

/** @param {Session} session @param {() => Promise<Session>} order */
async function act(session, order) {
  byId("admin-problem").replaceChildren();
  try {
    const changed = await order();
    table.heard(changed);
    announce(t("announce.step", { name: session.name, step: t(`step.${changed.progress.step}`) }));
  } catch (error) {
    byId("admin-problem").replaceChildren(failurePanel(error, { title: t("order.failed"), signIn: me.loginUrl }));
  }
}

async function look() {
  try {
    const [status, templates, pools] = await Promise.all([call("GET", "status"), call("GET", "templates"), call("GET", "pools")]);
    const all = [];
    for await (const session of everySession("all")) all.push(session);
    heard = { status, templates: templates.items, pools: pools.items };
    show();
    table.replace(all);
    await events.look();
    byId("refused").replaceChildren();
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) return refuse(error);
    if (error instanceof Problem) byId("refused").replaceChildren(failurePanel(error, { title: t("order.failed") }));
    else if (!(error instanceof Unanswered)) throw error;
  }
  setTimeout(() => void look(), document.hidden ? EVERY_HIDDEN : EVERY);
}

function show() {
  document.title = t("title.admin");
  if (heard === null) return;
  showNotices(heard.status);
  showOverview(heard.status);
  showTemplates(heard.templates);
  showPools(heard.pools);
}

/** @param {Problem|Unanswered} error */
function refuse(error) {
  byId("console").hidden = true;
  const retry = error instanceof Unanswered ? () => void start() : undefined;
  byId("refused").replaceChildren(failurePanel(error, { title: t("admin.refused"), signIn: me?.loginUrl, retry }));
}

async function start() {
  document.title = t("title.admin");
  try {
    me = await call("GET", "me");
  } catch (error) {
    return refuse(error instanceof Problem ? error : new Unanswered());
  }
  showPerson(me);
  if (!mayOperate(me)) return refuse(new Problem(me.role === "guest" ? 401 : 403, {}, null));
  byId("refused").replaceChildren();
  byId("console").hidden = false;
  table.show();
  events.show();
  await look();
}

startChrome();
onLanguage(() => {
  if (byId("console").hidden) return void start();
  show();
  table.show();
  events.show();
});
await start();
