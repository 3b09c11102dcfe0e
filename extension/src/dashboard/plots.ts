import uPlot from 'uplot'
import { GAP_MS } from '../shared/dashboard'
import { formatBytes } from '../shared/format'
import { formatMs } from './columns'
import type { GapSeries } from './gaps'
import { ratesOf } from './plots-data'
import type { Sample } from './rates'

const HEIGHT_PX = 120

/** Two lines over time, drawn anew when the colours or the width change. */
class Plot {
  readonly #place: HTMLElement
  readonly #options: (colour: (name: string) => string) => Omit<uPlot.Options, 'width' | 'height'>
  #plot: uPlot | null = null
  #data: uPlot.AlignedData = [[]]

  constructor(
    place: HTMLElement,
    options: (colour: (name: string) => string) => Omit<uPlot.Options, 'width' | 'height'>
  ) {
    this.#place = place
    this.#options = options
    new ResizeObserver(() => this.#resize()).observe(place)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make())
  }

  show(data: uPlot.AlignedData): void {
    this.#data = data
    if (this.#plot === null) this.#make()
    else this.#plot.setData(data)
  }

  #make(): void {
    this.#plot?.destroy()
    const width = this.#place.clientWidth
    this.#plot = null
    if (width === 0) return
    const options = this.#options((name) => colourOf(this.#place, name))
    this.#plot = new uPlot({ ...options, width, height: HEIGHT_PX }, this.#data, this.#place)
  }

  #resize(): void {
    const width = this.#place.clientWidth
    if (this.#plot === null) this.#make()
    else if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT_PX })
  }
}

/** A canvas understands no `light-dark()` and no `var()`: the browser works out what they come to. */
function colourOf(place: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(--plot-${name})`
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

/** Between two times of an axis: none is said twice. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]

const axes = (colour: (name: string) => string, values: (value: number) => string): uPlot.Axis[] => {
  const look = {
    stroke: colour('text'),
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui'
  }
  return [
    { ...look, size: 24, space: 80, incrs: SECONDS, values: (_, ticks) => ticks.map(timeOf) },
    { ...look, size: 64, space: 28, values: (_, ticks) => ticks.map(values) }
  ]
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23'
  })
}

const still = { show: false }
const quiet: Partial<uPlot.Options> = {
  legend: still,
  cursor: { show: false },
  select: { show: false, left: 0, top: 0, width: 0, height: 0 }
}

/** Bytes per second, both ways. */
export class RatePlot {
  readonly #plot: Plot

  constructor(place: HTMLElement) {
    this.#plot = new Plot(place, (colour) => ({
      ...quiet,
      scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(100, max * 1.1)] } },
      axes: axes(colour, (value) => `${formatBytes(value)}/s`),
      series: [
        {},
        { stroke: colour('in'), width: 1.5, fill: colour('fill'), points: still },
        { stroke: colour('out'), width: 1.5, points: still }
      ]
    }))
  }

  /** @param now of a stream that lives, on the wall clock, milliseconds */
  show(samples: readonly Sample[], now: number | null): void {
    this.#plot.show(ratesOf(samples, now))
  }
}

/** The gaps between what came; the long ones marked, with the line that they are above. */
export class GapPlot {
  readonly #plot: Plot

  constructor(place: HTMLElement) {
    this.#plot = new Plot(place, (colour) => ({
      ...quiet,
      scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(GAP_MS * 1.2, max * 1.1)] } },
      axes: axes(colour, (value) => (value === 0 ? '0' : formatMs(value))),
      series: [
        {},
        { stroke: colour('in'), width: 1.5, points: still },
        { stroke: colour('bad'), width: 0, paths: () => null, points: { show: true, size: 7, fill: colour('bad') } }
      ],
      hooks: { draw: [(plot) => drawLimit(plot, colour('bad'))] }
    }))
  }

  show(gaps: GapSeries): void {
    this.#plot.show(gaps.data())
  }
}

function drawLimit(plot: uPlot, colour: string): void {
  const { ctx, bbox } = plot
  const y = plot.valToPos(GAP_MS, 'y', true)
  ctx.save()
  ctx.strokeStyle = colour
  ctx.globalAlpha = 0.6
  ctx.setLineDash([4, 4])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.restore()
}
