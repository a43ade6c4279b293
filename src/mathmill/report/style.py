"""The looks of the report: one small style sheet that is written into the page.

Why: the page must stand alone, on a phone and by night. Two typefaces that every system
has, one accent for what was measured first and one for what stands beside it, and figures
set in columns; wide things scroll within their own box, never the page.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf6;--card:#fff;--ink:#1c2321;--soft:#5d6763;
--line:#e3e0d6;--faint:#f3f1ea;--a:#0b6e63;--b:#a9551a;--bad:#a33a3a;--good:#2e7345;--v:#6a57b8;
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Charter,Georgia,serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif;
--mono:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){:root{--paper:#131716;--card:#1a201e;--ink:#e6e9e4;
--soft:#9aa6a0;--line:#2c3431;--faint:#202725;--a:#5fc4b3;--b:#e2a068;--bad:#e58a86;
--good:#84c896;--v:#a99be6}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 var(--sans);
overflow-wrap:break-word}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:3.5rem}
.kicker{margin:0;color:var(--a);font-size:.8rem;font-weight:600;letter-spacing:.09em;
text-transform:uppercase}
h1{font:600 clamp(1.65rem,1.1rem + 2.6vw,2.75rem)/1.2 var(--serif);letter-spacing:-.01em;
margin:.6rem 0 1rem;text-wrap:balance}
h2{font:600 1.55rem/1.25 var(--serif);margin:0 0 .75rem}
h3{font:600 1.05rem/1.35 var(--sans);margin:2rem 0 .5rem}
p{margin:0 0 1rem;max-width:44rem}
.lead{font-size:1.1rem;color:var(--ink)}
.soft,small,caption{color:var(--soft)}
section{padding:2.75rem 0 .75rem;border-top:1px solid var(--line);margin-top:1.75rem}
nav{display:flex;gap:.25rem 1.1rem;flex-wrap:wrap;margin:1.5rem 0 0;font-size:.92rem}
a{color:var(--a);text-decoration:none;text-underline-offset:.2em}
a:hover,a:focus-visible{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1px;
background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden;
margin:1.75rem 0}
.tile{background:var(--card);padding:1rem 1.15rem;display:flex;flex-direction:column}
.tile b{font:600 1.7rem/1.2 var(--serif);font-variant-numeric:lining-nums}
.tile span{font-size:.92rem}.tile small{font-size:.82rem;margin-top:auto;padding-top:.3rem}
.scroll{overflow-x:auto;margin:0 0 1.25rem;max-width:100%;background:
linear-gradient(to left,var(--paper) 40%,transparent) right/2.5rem 100% no-repeat local,
linear-gradient(to left,var(--line),transparent) right/.9rem 100% no-repeat scroll}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--a);outline-offset:2px;
border-radius:4px}
table{border-collapse:collapse;font-size:.92rem;min-width:min(100%,42rem)}
caption{text-align:left;padding:0 0 .4rem;font-size:.88rem}
th,td{text-align:left;padding:.42rem 1.1rem .42rem 0;border-bottom:1px solid var(--line);
vertical-align:top}
th{color:var(--soft);font-weight:500;font-size:.84rem;white-space:nowrap;vertical-align:bottom}
td{min-width:3rem}td.n,th.n{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums lining-nums}
th:last-child,td:last-child{padding-right:.2rem}
tbody tr:last-child td{border-bottom-color:transparent}
.ci{color:var(--soft);font-size:.86em;margin-left:.45em}
.wide{min-width:17rem;display:inline-block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));
gap:1.5rem;margin:1.25rem 0}
figure{margin:0}figcaption{font-weight:600;font-size:.95rem;margin-bottom:.35rem}
figcaption small{font-weight:400;display:block}
svg.plot{display:block;width:100%;height:auto;font:13.5px var(--sans);fill:var(--ink)}
.c0{--c:var(--a)}.c1{--c:var(--b)}
.plot text{fill:var(--soft)}.plot .end{text-anchor:end}.plot .mid{text-anchor:middle}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
.band{fill:var(--c);opacity:.13}.law{fill:none;stroke:var(--c);stroke-width:1.8}
.law.ahead{stroke-dasharray:5 4}.bar{fill:none;stroke:var(--c);stroke-width:1.4}
.bar.ahead{opacity:.75}.seed{fill:none;stroke:var(--c);opacity:.55}.mean{fill:var(--c)}
.way-oracle{--c:var(--soft)}.way-best{--c:var(--a)}.way-weighted{--c:var(--v)}
.way-majority{--c:var(--b)}.way-greedy{--c:var(--ink)}.way-random{--c:var(--bad)}
[class^="way-"] .band{opacity:.09}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0;margin:.4rem 0 1rem;
font-size:.88rem}.legend i{display:inline-block;width:1.1rem;height:.25rem;background:var(--c);
margin-right:.4rem;vertical-align:middle;border-radius:2px}
.next{fill:var(--paper);stroke:var(--c);stroke-width:1.6}
.flow{list-style:none;margin:1.25rem 0;padding:0}
.flow>li{padding:.95rem 0;border-bottom:1px solid var(--line)}
.flow>li:last-child{border:0}
.flow details{border:0;padding:.3rem 0 0}.flow p{margin:.6rem 0 0}
.said{margin:.3rem 0;padding-left:1.1rem}
.row{display:flex;justify-content:space-between;gap:.2rem 1rem;flex-wrap:wrap;
align-items:baseline}
.row b{font-weight:600}.row span{font-variant-numeric:tabular-nums}
.meter{display:flex;height:.55rem;border-radius:99px;background:var(--faint);overflow:hidden;
margin:.5rem 0;gap:2px}
.meter i{background:var(--a);display:block}.meter i+i{background:var(--b);opacity:.6}
.why{display:flex;flex-wrap:wrap;gap:.3rem .5rem;margin:.35rem 0 0;padding:0;list-style:none}
.why li,.chip{background:var(--faint);border-radius:99px;padding:.08rem .65rem;font-size:.84rem;
font-variant-numeric:tabular-nums;max-width:100%}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem;
align-items:start}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:1rem 1.15rem;min-width:0}
.card h3{margin:0 0 .6rem;display:flex;justify-content:space-between;gap:.75rem;flex-wrap:wrap}
.kept,.dropped{font-size:.84rem;font-weight:600}.kept{color:var(--good)}.dropped{color:var(--bad)}
.trail{margin:0;padding:0 0 0 1.1rem;list-style:none;border-left:2px solid var(--line)}
.trail li{position:relative;padding:0 0 .8rem}
.trail li:last-child{padding-bottom:0}
.trail li::before{content:"";position:absolute;left:calc(-1.1rem - 5px);top:.5em;width:8px;
height:8px;border-radius:50%;background:var(--card);border:2px solid var(--a)}
.trail small{display:block;font-size:.8rem}
.text{white-space:pre-wrap;font-size:.94rem}
details{border-bottom:1px solid var(--line);padding:.35rem 0}
summary{cursor:pointer;padding:.2rem 0}
summary .soft{font-size:.88rem;margin-left:.4rem}
pre{font:13px/1.5 var(--mono);background:var(--faint);border-radius:8px;padding:.8rem 1rem;
overflow-x:auto;margin:.5rem 0 1rem}
td code{font:.9em var(--mono);white-space:nowrap}
math{font-size:1.05em}
footer{padding-top:1.5rem;padding-bottom:3rem;color:var(--soft);font-size:.88rem}
@media(max-width:34rem){header{padding-top:2rem}main,header,footer{padding-left:1rem;
padding-right:1rem}section{padding-top:2rem}.tiles{grid-template-columns:1fr 1fr}
.tile{padding:.8rem .9rem}.tile b{font-size:1.4rem}}
@media print{nav{display:none}section{break-inside:avoid-page}}
"""
