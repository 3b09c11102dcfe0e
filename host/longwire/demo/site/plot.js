// Throughput over time as plain SVG: the download as an area, every event of the text as a mark below it.

const SVG = "http://www.w3.org/2000/svg";
const BUCKET_S = 0.1;
const MARKS_PX = 22;
const AXIS_PX = 18;
const TOP_PX = 16;
const FIRST_SPAN_S = 6;
// A tenth of a second is a step of the plot; drawing it more often shows nothing new and costs the streams CPU.
const REDRAW_MS = 100;

const element = (name, attributes) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

/** Round up to a number of one digit and zeros, so that the plot fills its height. */
const roundUp = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / power) * power;
};

export class Plot {
  #svg;
  #area = element("path", { class: "area" });
  #ticks = element("path", { class: "ticks" });
  #axis = element("path", { class: "axis" });
  #labels = element("g", {});
  #buckets = [];
  #marks = [];
  #received = 0;
  #drawing = false;

  constructor(svg) {
    this.#svg = svg;
    svg.append(this.#axis, this.#area, this.#ticks, this.#labels);
    new ResizeObserver(() => this.#draw()).observe(svg); // at most once a frame, and never a frame of the old size
  }

  clear() {
    this.#buckets = [];
    this.#marks = [];
    this.#received = 0;
    this.#soon();
  }

  /** An event of the text, `seconds` after the start of the run. */
  mark(seconds) {
    this.#marks.push(seconds);
    this.#soon();
  }

  /** The download has so many bytes now, `seconds` after the start of the run. */
  bytes(received, seconds) {
    const bucket = Math.floor(seconds / BUCKET_S);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + received - this.#received;
    this.#received = received;
    this.#soon();
  }

  /** The longest time between two marks, in milliseconds: while the download ran, and otherwise. */
  gaps() {
    const loaded = Object.keys(this.#buckets).map(Number);
    const [from, to] = [Math.min(...loaded) * BUCKET_S, (Math.max(...loaded) + 1) * BUCKET_S];
    const gaps = { during: 0, otherwise: 0 };
    for (let i = 1; i < this.#marks.length; i++) {
      const kind = this.#marks[i] >= from && this.#marks[i - 1] <= to ? "during" : "otherwise";
      gaps[kind] = Math.max(gaps[kind], 1000 * (this.#marks[i] - this.#marks[i - 1]));
    }
    return gaps;
  }

  /** Draw now what waits to be drawn. */
  flush() {
    this.#draw();
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#draw();
    }, REDRAW_MS);
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#svg;
    const base = height - AXIS_PX - MARKS_PX;
    const span = Math.max(FIRST_SPAN_S, Math.ceil(Math.max(this.#marks.at(-1) ?? 0, this.#buckets.length * BUCKET_S)));
    const rates = Array.from(this.#buckets, (bytes) => (bytes ?? 0) / 1e6 / BUCKET_S);
    const top = roundUp(Math.max(10, ...rates));
    const x = (seconds) => ((seconds / span) * width).toFixed(1);
    const y = (rate) => (base - (rate / top) * (base - TOP_PX)).toFixed(1);

    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#axis.setAttribute("d", `M0 ${base}H${width}M0 ${height - AXIS_PX}H${width}M0 ${TOP_PX}H${width}`);
    this.#area.setAttribute("d", this.#outline(rates, x, y, base));
    const marks = this.#marks.map((seconds) => `M${x(seconds)} ${base + 4}v${MARKS_PX - 8}`);
    this.#ticks.setAttribute("d", marks.join(""));
    this.#label(width, height, span, top);
  }

  /** Steps, not slopes: each is what one tenth of a second brought. */
  #outline(rates, x, y, base) {
    const first = rates.findIndex((rate) => rate > 0);
    if (first < 0) return "";
    const steps = rates.slice(first).map((rate, i) => `V${y(rate)}H${x((first + i + 1) * BUCKET_S)}`);
    return `M${x(first * BUCKET_S)} ${base}${steps.join("")}V${base}Z`;
  }

  #label(width, height, span, top) {
    const text = (value, attributes) => {
      const node = element("text", attributes);
      node.textContent = value;
      return node;
    };
    this.#labels.replaceChildren(
      text(`${top} MB/s`, { x: 0, y: TOP_PX - 4 }),
      text("0 s", { x: 0, y: height - 4 }),
      text(`${span / 2} s`, { x: width / 2, y: height - 4, "text-anchor": "middle" }),
      text(`${span} s`, { x: width, y: height - 4, "text-anchor": "end" }),
    );
  }
}
