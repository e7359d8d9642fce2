"""How the status page looks: light and dark, on a phone and on a wall. Shapes say what colours say."""

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--line:#d9dee4;--text:#1c2128;--soft:#57606a;
--ok:#2c974b;--oktext:#116329;--warn:#bf8700;--warntext:#7d4e00;--bad:#cf222e;--badtext:#a40e26;--none:#8a939d;
--okback:#e6f4ea;--warnback:#fdf3d6;--badback:#fdebec;--noneback:#eceff2;--link:#0757ba}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#161b22;--line:#30363d;--text:#e6edf3;--soft:#9da7b1;
--ok:#2ea043;--oktext:#56d364;--warn:#d29922;--warntext:#e3b341;--bad:#f85149;--badtext:#ff8d86;--none:#6e7681;
--okback:#12261a;--warnback:#2b2111;--badback:#2d1517;--noneback:#21262d;--link:#6cb0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:60rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem;display:flex;flex-wrap:wrap;gap:0 .75rem;align-items:baseline;justify-content:space-between}
h1{font-size:1.25rem;margin:0}
h2{font-size:1rem;margin:2rem 0 .5rem}
p{margin:0}
a{color:var(--link)}
time{white-space:nowrap}
.soft{color:var(--soft);font-size:.875rem}
.verdict{display:flex;gap:1rem;align-items:center;margin:1rem 0;padding:1.25rem;border-radius:.75rem;
border:1px solid var(--line);border-left:.5rem solid var(--c);background:var(--b)}
.verdict p:first-child{font-size:1.375rem;font-weight:650;line-height:1.25}
.verdict p:first-child::first-letter{text-transform:uppercase}
.mark{flex:none;width:2.5rem;height:2.5rem;border-radius:50%;background:var(--c);color:var(--card);
display:grid;place-items:center;font-size:1.5rem;font-weight:700;line-height:1}
.ok{--c:var(--ok);--t:var(--oktext);--b:var(--okback)}
.warning{--c:var(--warn);--t:var(--warntext);--b:var(--warnback)}
.critical{--c:var(--bad);--t:var(--badtext);--b:var(--badback)}
.unknown{--c:var(--none);--t:var(--soft);--b:var(--noneback)}
.card,.list{background:var(--card);border:1px solid var(--line);border-radius:.75rem}
.card{padding:1rem;margin-bottom:.75rem;border-left:.375rem solid var(--c)}
.card h3{font-size:1rem;margin:0 0 .25rem}
.list{padding:0;margin:0;list-style:none}
.list li{padding:.625rem 1rem;display:flex;flex-wrap:wrap;gap:0 1rem;justify-content:space-between}
.list li+li{border-top:1px solid var(--line)}
.tag{color:var(--t);background:var(--b);border-radius:1rem;padding:.0625rem .625rem;font-size:.8125rem;
font-weight:600;white-space:nowrap;border:1px solid var(--c)}
table.list{display:block;width:100%}
caption{display:block;text-align:left}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody{display:block}
tr{display:grid;grid-template-columns:1fr auto;grid-template-rows:auto 1fr;gap:.125rem 1rem;padding:.75rem 1rem;
align-items:start}
tbody tr+tr{border-top:1px solid var(--line)}
th,td{display:block;padding:0;text-align:left;font-weight:400}
th b{font-weight:650}
th .soft{display:block}
.said,.past{grid-column:1/-1}
.ends{display:flex;justify-content:space-between;gap:1rem;font-size:.8125rem;color:var(--soft)}
.ends b{color:var(--text);font-weight:600}
.bars{display:flex;gap:2px;height:2rem;margin:.375rem 0 .125rem}
.bars i{flex:1;min-width:0;border-radius:2px;background:linear-gradient(to top,var(--c) var(--h),transparent var(--h),
transparent calc(var(--h) + 2px),var(--ok) calc(var(--h) + 2px))}
.bars i:hover{outline:2px solid var(--text);outline-offset:1px}
.bars .g{background:var(--ok)}
.bars .u{background:none;border:1px dashed var(--none)}
.bars .p{background:linear-gradient(to top,var(--ok) var(--h),transparent var(--h));border:1px dashed var(--none)}
.w{--c:var(--warn)}.c{--c:var(--bad)}
.h1{--h:25%}.h2{--h:45%}.h3{--h:70%}.h4{--h:100%}
details{font-size:.875rem}
summary{cursor:pointer;color:var(--soft);padding:.25rem 0}
details ul{margin:.25rem 0;padding-left:1.25rem}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.5rem 0 0;padding:0;list-style:none}
.key li{display:flex;gap:.5rem;align-items:center}
.key .bars{width:.5rem;height:1.125rem;margin:0}
footer{padding-top:2rem;padding-bottom:2rem}
@media(min-width:48rem){tr{grid-template-columns:1fr 22rem 6.5rem;padding:.75rem 1rem}
td:nth-of-type(1){grid-column:3;grid-row:1;text-align:right}
.past{grid-column:2;grid-row:1/span 2}.said{grid-column:1/2;grid-row:2}
.bars{height:1.75rem;margin-top:0}
th .soft{display:inline}}
@media print{body{background:none}.card,.list,.verdict{break-inside:avoid}}
"""
