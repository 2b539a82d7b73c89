// What both pages have around them: languages, who is signed in, and whether the server is reached.

import { onContact } from "./api.js";
import { button, byId, say } from "./dom.js";
import { choose, current, languages, onLanguage, t, translate } from "./i18n.js";

const MISSES = 2;

export function startChrome() {
  byId("late").remove();
  onLanguage(showLanguage);
  showLanguage();
  let misses = 0;
  onContact((reached) => {
    misses = reached ? 0 : misses + 1;
    say(byId("lost"), misses >= MISSES || !navigator.onLine ? t("lost") : "");
  });
}

function showLanguage() {
  document.documentElement.lang = current();
  translate(document);
  const focused = document.activeElement?.getAttribute("lang");
  const buttons = languages().map(({ tag, name }) => {
    const made = button("language", tag.toUpperCase(), () => choose(tag));
    made.lang = tag;
    made.title = name;
    made.setAttribute("aria-label", `${tag.toUpperCase()} – ${name}`);
    made.setAttribute("aria-pressed", String(tag === current()));
    return made;
  });
  byId("languages").replaceChildren(...buttons);
  buttons.find(({ lang }) => lang === focused && document.activeElement === document.body)?.focus();
}

/** @param {import("./types.js").Me} me */
export function showPerson(me) {
  const [who, signIn, signOut] = [byId("who"), byId("sign-in"), byId("sign-out")];
  who.hidden = !me.name;
  say(who, me.name ?? "");
  signIn.hidden = !me.loginUrl || me.role !== "guest";
  if (me.loginUrl) signIn.setAttribute("href", me.loginUrl);
  signOut.hidden = !me.logoutUrl;
  if (me.logoutUrl) signOut.setAttribute("href", me.logoutUrl);
  const admin = document.getElementById("to-admin");
  if (admin) admin.hidden = !mayOperate(me);
}

/** @param {import("./types.js").Me} me */
export function mayOperate(me) {
  return me.role === "operator" || me.role === "admin";
}
