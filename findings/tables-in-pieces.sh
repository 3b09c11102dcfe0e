#!/usr/bin/env bash
# A table as RFC 4180 has it (CRLF, quotes, a line end and a letter of two bytes inside a field), streamed to seven
# npm packages: cut in two at each place; and whole, piped into a file as well, to keep what came.
#
# One would guess: quotes are where such readers fail, if at all. Where the network cuts the bytes never shows. And
# who reads a stream leaves the bytes as they are.
# What happens (versions below): all seven read the quotes. csv-parser takes the doubled quotes out in the very buffer
# that it was given, so that the FILE beside it has `"x, "y"""",3` for `"x, ""y""",3`, which is another table.
# papaparse decides by its first piece what ends a line. If that has no line end yet, it is the line feed, and the
# last field of each row of the whole table has a carriage return at its end. If it ends between the two, it is the
# carriage return: each row begins with a line feed, and a field of two lines becomes two rows. A letter that is cut
# becomes two U+FFFD. csv-streamify leaves the carriage return in wherever the cut is. None of this is an error.
# Why it matters: the copy that is kept to look at later is broken, and nobody sees it before. A server that writes
# the names of the columns first, and the rows when its query is done, sends just that first piece: the last column
# then equals nothing that it is compared with, and looks right wherever it is shown.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  csv-parse@7.0.3 papaparse@5.7.1 fast-csv@5.0.8 csv-parser@3.2.1 csvtojson@2.0.14 csv-reader@1.0.12 csv-streamify@4.0.0
cat >run.mjs <<'JS'
import { createRequire } from "node:module";
import { Readable, Writable } from "node:stream";
import { parse as csvParse } from "csv-parse";
import csvParser from "csv-parser";
import CsvReader from "csv-reader";
import csvStreamify from "csv-streamify";
import csvtojson from "csvtojson";
import * as fastCsv from "fast-csv";

const papaparse = createRequire(import.meta.url)("papaparse");
const ROWS = [
  ["name", "said", "size"],
  ["Ann", 'x, "y"', "3"],
  ["two\r\nlines", "é", "40"],
];
const TEXT = 'name,said,size\r\nAnn,"x, ""y""",3\r\n"two\r\nlines",é,40\r\n';
const rowsOf = (stream) =>
  new Promise((done, fail) => {
    const rows = [];
    stream.on("data", (row) => rows.push(Array.isArray(row) ? row : Object.values(row)));
    stream.on("end", () => done(rows));
    stream.on("error", fail);
  });
const readers = {
  "csv-parse": (body) => rowsOf(body.pipe(csvParse())),
  papaparse: (body) =>
    new Promise((complete) => {
      const rows = [];
      papaparse.parse(body, { skipEmptyLines: true, step: ({ data }) => rows.push(data), complete: () => complete(rows) });
    }),
  "fast-csv": (body) => rowsOf(body.pipe(fastCsv.parse())),
  "csv-parser": (body) => rowsOf(body.pipe(csvParser({ headers: false }))),
  csvtojson: async (body) => csvtojson({ noheader: true, output: "csv" }).fromStream(body),
  "csv-reader": (body) => rowsOf(body.setEncoding("utf8").pipe(new CsvReader({}))),
  "csv-streamify": (body) => rowsOf(body.pipe(csvStreamify({ objectMode: true }))),
};
// At how many places the rows are others.
const expected = { papaparse: 17, "csv-streamify": 53 };
const bytes = Buffer.from(TEXT);
const streamed = (cut) =>
  Readable.from([Buffer.from(bytes.subarray(0, cut)), Buffer.from(bytes.subarray(cut))], { objectMode: false });
let changed = 0;
console.log(`cut in two at each of ${bytes.length - 1} places: other rows, the first of them`);
for (const reader of Object.keys(readers)) {
  const others = [];
  for (let cut = 1; cut < bytes.length; cut++) {
    const rows = JSON.stringify(await readers[reader](streamed(cut)));
    if (rows !== JSON.stringify(ROWS)) others.push(rows);
  }
  const wanted = expected[reader] ?? 0;
  const mark = others.length !== wanted ? "CHANGED" : wanted ? "differs" : "agrees ";
  changed += mark === "CHANGED";
  console.log(`  ${mark}  ${reader.padEnd(14)} ${String(others.length).padStart(2)}  ${others[0] ?? ""}`);
}
console.log("the same stream piped into a file as well, after the reader: what the file gets");
for (const reader of Object.keys(readers)) {
  const body = Readable.from([Buffer.from(bytes)], { objectMode: false });
  const kept = [];
  const rows = readers[reader](body);
  body.pipe(new Writable({ write: (piece, _, done) => done(void kept.push(Buffer.from(piece))) }));
  await rows;
  const file = Buffer.concat(kept);
  const same = file.equals(bytes);
  const mark = same !== (reader !== "csv-parser") ? "CHANGED" : same ? "agrees " : "differs";
  changed += mark === "CHANGED";
  console.log(`  ${mark}  ${reader.padEnd(14)} ${JSON.stringify(file.toString())}`);
}
process.exit(changed ? 1 : 0);
JS
node run.mjs
