"""The look of the page and how it renews itself; what it shows is in ``page``.

Nothing is loaded from anywhere: style, script and icon stand in the page, and its policy lets the browser run these
two and nothing else, so that a name that somebody gave to a container can never become code.
"""

from __future__ import annotations

import base64
import hashlib

SECONDS = 3
"""Between two looks at the node."""

_STYLE = """
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--line:#e3e6ea;--ink:#1b1f24;--soft:#5b6570;
--good:#12803c;--bad:#b42318;--warn:#96580a;--busy:#1f5fbf;--idle:#717a84}
@media (prefers-color-scheme:dark){:root{--bg:#111417;--card:#1a1e23;--line:#2c3239;--ink:#e6e9ec;--soft:#9aa4ae;
--good:#52c67a;--bad:#ff8073;--warn:#e9b04d;--busy:#74adff;--idle:#8b949e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem 2rem;background:var(--bg);color:var(--ink);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:1.35rem;margin:0;letter-spacing:-.01em}
h2{font-size:1rem;margin:1.6rem 0 .5rem}
h2 small,.soft{color:var(--soft);font-weight:400;font-size:.85rem}
header{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:baseline}
header .soft{margin-left:auto}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.6rem;margin:1rem 0 0}
.facts div,.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem}
.facts div{padding:.6rem .8rem}
.facts dd{margin:0;font-size:1.35rem;font-weight:600}
.facts dt{color:var(--soft);font-size:.85rem}
.facts .alarm{border-color:var(--bad)}
.facts .alarm dd{color:var(--bad)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(32rem,100%),1fr));gap:0 1rem}
.card{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .8rem;white-space:nowrap}
th{color:var(--soft);font-weight:500;font-size:.82rem}
tbody tr{border-top:1px solid var(--line)}
td.name,td.kind{font-weight:600}
td.name{white-space:normal;overflow-wrap:anywhere}
td.text{white-space:normal;overflow-wrap:anywhere}
td.id{color:var(--soft)}
meter{width:5.5rem;height:.6rem;vertical-align:middle;margin-right:.5rem}
.none{padding:.8rem;margin:0;color:var(--soft)}
.is{display:inline-flex;align-items:center;gap:.45rem}
.is::before{content:"";width:.55rem;height:.55rem;border-radius:50%;background:currentColor;flex:none}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.busy{color:var(--busy)}.idle{color:var(--idle)}
.busy::before{animation:pulse 1.2s ease-in-out infinite}
@keyframes pulse{50%{opacity:.25}}
@media (prefers-reduced-motion:reduce){.busy::before{animation:none}}
.lost header::after{content:"No answer: what you see is old.";color:var(--bad);font-weight:600;flex-basis:100%}
.lost .facts,.lost section{opacity:.5}
footer{margin-top:1.6rem;color:var(--soft);font-size:.85rem}
footer p{margin:.2rem 0}
@media (max-width:44rem){
body{padding:1rem .7rem 2rem}
header .soft{margin-left:0;flex-basis:100%}
.facts{grid-template-columns:repeat(3,1fr)}
.facts div{padding:.5rem .6rem}
thead{position:absolute;clip-path:inset(50%)}
tbody tr{display:flex;flex-wrap:wrap;gap:.1rem .9rem;padding:.55rem .8rem;align-items:baseline}
tbody tr:first-child{border-top:0}
td{padding:0;white-space:normal}
td:empty{display:none}
td[data-of]::before{content:attr(data-of) " ";color:var(--soft);font-size:.82rem;text-transform:lowercase}
td[data-of=VMID]::before{text-transform:none}
}
""".strip()

_SCRIPT = """
"use strict";
let asking = false;
async function look() {
  if (asking || document.visibilityState !== "visible" || String(getSelection())) return;
  asking = true;
  try {
    const answer = await fetch(location.href, {cache: "no-store", signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    document.body.replaceChildren(...fresh.body.childNodes);
    document.body.className = "";
  } catch {
    document.body.className = "lost";
  } finally {
    asking = false;
  }
}
setInterval(look, SECONDS * 1000);
document.addEventListener("visibilitychange", look);
""".strip().replace("SECONDS", str(SECONDS))

_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='#1f5fbf'/>"
    "<path d='M3 5l2 6 3-5 3 5 2-6' fill='none' stroke='#fff' stroke-width='1.6' stroke-linejoin='round'/></svg>"
)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_digest(_STYLE)}; script-src {_digest(_SCRIPT)}; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


def document(*, title: str, body: str) -> str:
    """A whole page. ``title`` and ``body`` are HTML already."""
    icon = base64.b64encode(_ICON.encode()).decode()
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f'<title>{title}</title><link rel="icon" href="data:image/svg+xml;base64,{icon}">'
        f'<noscript><meta http-equiv="refresh" content="{SECONDS}"></noscript>'
        f"<style>{_STYLE}</style></head><body>{body}<script>{_SCRIPT}</script></body></html>"
    )
