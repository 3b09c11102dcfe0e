/**
 * The panel's own sheet, in its closed root: nothing of the page's reaches it but what is inherited, and that is reset. Colours
 * as in the popup: every text has a contrast of 4.5 or more against what it stands on, in both schemes.
 */
export const STYLE = `
:host {
  all: initial !important;
  display: block !important;
  margin-block: 8px !important;
  color-scheme: light !important;
}

:host([hidden]) {
  display: none !important;
}

:host([data-scheme="dark"]) {
  color-scheme: dark !important;
}

* {
  box-sizing: border-box;
  margin: 0;
}

section {
  --page: light-dark(#ffffff, #17191d);
  --raised: light-dark(#f5f6f8, #20242a);
  --line: light-dark(#dfe3e8, #343a43);
  --edge: light-dark(#7b8493, #7d8796);
  --text: light-dark(#16191d, #eceef2);
  --muted: light-dark(#565e6b, #a5adba);
  --accent: light-dark(#1d5fd1, #8ab6ff);
  --on-accent: light-dark(#ffffff, #0d1b33);
  --good: light-dark(#0b6e42, #62d196);
  --bad: light-dark(#b0261c, #ff9388);

  display: grid;
  gap: 8px;
  padding: 10px 12px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--raised);
  color: var(--text);
  font: 13px / 1.45 system-ui, sans-serif;
  text-align: start;
}

.row {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  align-items: center;
}

button {
  min-height: 28px;
  padding: 3px 12px;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--page);
  color: var(--text);
  font: inherit;
  font-weight: 500;
  cursor: pointer;
}

button:hover {
  background: var(--raised);
}

.primary {
  border-color: transparent;
  background: var(--accent);
  color: var(--on-accent);
}

.primary:hover {
  background: light-dark(#174fb0, #a9c9ff);
}

button[aria-disabled="true"] {
  border-color: transparent;
  background: none;
  color: var(--muted);
  cursor: default;
}

.plain {
  margin-inline-start: auto;
  border-color: transparent;
  background: none;
  color: var(--muted);
}

label {
  display: flex;
  flex: 1 1 180px;
  gap: 6px;
  align-items: center;
  color: var(--muted);
}

input {
  flex: 1;
  min-width: 0;
  min-height: 28px;
  padding: 3px 8px;
  border: 1px solid var(--edge);
  border-radius: 6px;
  background: var(--page);
  color: var(--text);
  font: inherit;
}

input::placeholder {
  color: var(--muted);
  opacity: 1;
}

p,
li {
  overflow-wrap: anywhere;
}

.progress {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 10px;
}

[data-tone] .line::before {
  display: inline-block;
  width: 8px;
  height: 8px;
  margin-inline-end: 6px;
  border-radius: 50%;
  background: currentcolor;
  content: "";
}

[data-tone="good"] .line {
  color: var(--good);
}

[data-tone="bad"] .line {
  color: var(--bad);
}

[data-tone="busy"] .line,
[data-tone="plain"] .line,
.figures,
.notes {
  color: var(--muted);
}

.figures,
.stats {
  font-variant-numeric: tabular-nums;
}

.stats .added {
  color: var(--good);
}

.stats .deleted {
  color: var(--bad);
}

.notes {
  display: grid;
  gap: 2px;
  padding: 0;
  list-style: none;
}

:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}

.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

[hidden] {
  display: none !important;
}

@keyframes breathe {
  to {
    opacity: 0.25;
  }
}

@media (prefers-reduced-motion: no-preference) {
  [data-tone="busy"] .line::before {
    animation: breathe 1.6s ease-in-out infinite alternate;
  }
}

@media (forced-colors: active) {
  .line::before {
    forced-color-adjust: none;
  }
}
`
